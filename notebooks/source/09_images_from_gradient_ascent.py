# %% [markdown] lesson="09" title="Images from gradient ascent: what would the network like to see?" minutes=100 needs="07"
# You will be able to: draw a picture that a class, a channel or a neuron responds to; say why plain gradient ascent gives noise; add the regularizers, the
# transforms, the Fourier coefficients and the phases that turn noise into a picture; and judge the result with a second network, and with your own eyes.

# %% tags=["setup"]

import torch

from course_utils import check, explorers, layer_outputs, load_network, photo, quiz, show_images
from course_utils.gradients import (
    CROPS,
    PHASES,
    ROBUST,
    YOSINSKI,
    CenterBias,
    Crop,
    Fourier,
    Noise,
    Phase,
    Pixels,
    channel,
    facet_starts,
    visualize,
)
from course_utils.images import resize
from course_utils.networks import randomized
from course_utils.optimize.transforms import transform

# %%
# the result first: four pictures, drawn for four classes in one pass (about 25 seconds)
net = load_network("efficientnet_lite0")
classes = [471, 949, 920, 386]
drawn = visualize(net, classes, **{**PHASES, "steps": 80, "lr": 0.3})
show_images(drawn)

# %% [markdown]
# What do you see? Write four names down before you run the next cell.

# %%
# the four classes
[net.category(number) for number in classes]

# %% [markdown]
# No photo was the start. Each picture began as waves at random places, and was changed until the network's score for one class was high. (How high its waves are, and how its colors mix, is the mean of many photos.) At the end of this lesson you will know every part of it:
# what is made large, what is changed, what is kept, and what the network sees on the way.

# %% claim="a network that had no part in it puts each of the four among its first twenty of 1000"
judge_of_four = load_network("efficientnet_lite2")
scores_of_four = judge_of_four(resize(drawn, judge_of_four.input_size))
for scores_of_one, number_of_class in zip(scores_of_four, classes, strict=True):
    assert (scores_of_one > scores_of_one[number_of_class]).sum() < 20

# %% [markdown] notes="1" minutes=4
# Run only the first cell and let the room name the four pictures; then the second. Ask what is different from a photo: the ground
# behind the object, the colors, the number of objects.

# %% [markdown]
# ## The idea
#
# Training changes the weights and keeps the images. Now we keep the weights and change the image $I$, so that the score $S_c$ of a class grows. Simonyan, Vedaldi and Zisserman (2014) write
#
# $$I^\ast = \arg\max_I \; S_c(I) - \lambda\,\lVert I\rVert_2^2 .$$
#
# $S_c$ is the score before the softmax. (The probability also grows where all other scores fall, and near 1 its gradient is close to 0.) $\lVert I\rVert_2^2$ is the sum of the squares of all pixels, where 0 is the network's mean color; the number $\lambda$ says how much it counts. Such a term is a **regularizer**: it is large for pictures that we do
# not want, here those with extreme pixels. We begin without one, $\lambda = 0$. A step uphill is then
#
# $$I \leftarrow I + \eta\, \frac{g}{\overline{|g|}}, \qquad g = \nabla_I S_c(I),$$
#
# where $\overline{|g|}$ is the mean size of the gradient's numbers. So $\eta$ is the mean change of a pixel in one step, whatever the network. After each step the pixels are
# cut off at 0 and 1. We call this **plain ascent**.

# %% [markdown] notes="1" minutes=4
# Put training and this lesson side by side on the board: what stays, what changes?

# %% [markdown]
# ## In the head first
#
# The score is linear: $S = 2a - 3b$, the image is $(a, b) = (0.5, 0.5)$, and $\eta = 0.1$. What is the image after one step? Where does it end? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=12
# Two numbers on paper: one step, then the end. Type the loop with the room and watch the picture of the daisy: nobody
# will recognize it.

# %%
# one step uphill on 2a - 3b: the mean size of the gradient (2, -3) is 2.5
image, gradient = torch.tensor([0.5, 0.5]), torch.tensor([2.0, -3.0])
image + 0.1 * gradient / gradient.abs().mean()

# %% [markdown]
# It ends at $(1, 0)$: on a linear score every pixel runs to its end, black or white. This is a first hint of what will go wrong.

# %% [markdown] exercise="09.1" title="Build it: gradient ascent on the pixels" points=3 difficulty=2 importance=5 minutes=12 own="course_utils.gradients:visualize"
# Make `steps` steps uphill on the score of class `target`, as in the formula above, with $\eta$ = `lr`. Cut the image off at 0 and 1 after **every** step. Leave the
# caller's `image` as it is.


# %% exercise="09.1"
def ascend(net, image, target, steps, lr):
    """Gradient ascent on the pixels.

    net: net(images) gives the scores (N, classes); image: (1, 3, H, W)
    target: a class index; steps: how many; lr: the mean change of a number in one step
    returns: (1, 3, H, W) in [0, 1]
    """
    ### BEGIN SOLUTION
    x = image.detach().clone()
    for _ in range(steps):
        x.requires_grad_()
        (g,) = torch.autograd.grad(net(x)[0, target], x)
        x = (x.detach() + lr * g / g.abs().mean()).clamp(0, 1)
    return x
    ### END SOLUTION


check("09.1", ascend)

# %% [markdown] fold="Hint"
# In each step: `x.requires_grad_()`, the score `net(x)[0, target]`, `torch.autograd.grad(score, x)`; then make a **new** `x` from `x.detach()`. Do not change `x` in place.

# %% [markdown] fold="I get: a leaf Variable that requires grad is being used in an in-place operation"
# `x += ...` changes a tensor that PyTorch is recording. Write `x = x.detach() + ...`.

# %% picture="09.1"
# your ascent: from gray to 'daisy'
gray = torch.full((1, 3, 128, 128), 0.5)
yours = ascend(net, gray, 985, 40, 0.02)
show_images(yours, [f"{net.predict(yours)[0][0][0]}: {net.predict(yours)[0][0][1]:.1%}"], width=3)

# %% [markdown]
# ## A judge
#
# Is this a daisy? The network that made it cannot be the only one to say so. So ask a network that had no part in it: `efficientnet_lite2`. It is no stranger: it is of the same family and learned from
# the same photos. We note the **rank** of the class among 1000 classes: 1 means that it is named first, and a guess has a rank around 500.
#
# The judge usually sees 260 pixels. But enlarging changes a picture, too. So both networks see each picture twice: as it is, and enlarged to 260 pixels.
#
# **Predict, run, explain.** Plain ascent from faint noise, 56 steps. Which of the four ranks will be near 1, and which near 500? Write them down.

# %% [markdown] notes="1" minutes=6
# Votes before the cell: does the judge see a daisy? Ask why the maker cannot be its own judge, and why it must see the enlarged picture, too.

# %%
# what maker and judge say of four pictures: two classes, two pictures of each
judge = load_network("efficientnet_lite2")


def ranks(network, images, targets):
    """The place of each image's class among the network's classes, 1 for the first."""
    numbers = torch.tensor([network.class_index(target) for target in targets])[:, None]
    scores = network(images)
    return ((scores > scores.gather(1, numbers)).sum(1) + 1).tolist()


def verdicts(images, targets):
    """For each image four ranks, as a title: of maker and judge, as it is and enlarged."""
    both = images, resize(images, judge.input_size)
    four_ranks = [ranks(network, seen, targets) for seen in both for network in (net, judge)]
    return [
        f"maker {a}, judge {b}\nenlarged: {c}, {d}" for a, b, c, d in zip(*four_ranks, strict=True)
    ]


four = ["daisy", "daisy", "hourglass", "hourglass"]
pixels = {"image": Pixels("noise"), "transforms": (), "size": 128, "steps": 56}
by_ascent = {**pixels, "optimizer": "ascent", "lr": 0.02}
plain = visualize(net, four, **by_ascent)
show_images(plain, verdicts(plain, four), columns=4)

# %% [markdown]
# The two daisies differ in the faint noise that they began with. The maker is sure of all four pictures. The judge, which sees the same pixels, puts both daisies before both hourglasses. What can *you* see in the middle of the first two?
#
# Enlarged, no picture is near the top for either network: its maker has lost it, too. These pictures are made for exactly these pixels. To get more, we must ask for it.

# %% claim="the maker is sure of all four; the judge puts the daisies first; enlarged, neither network finds them; it finds photos"
numbers_of_four = torch.tensor([net.class_index(name) for name in four])[:, None]
assert net(plain).softmax(1).gather(1, numbers_of_four).min() > 0.9
by_judge = ranks(judge, plain, four)
assert max(by_judge[:2]) < min(by_judge[2:])
enlarged_plain = resize(plain, judge.input_size)
assert min(ranks(net, enlarged_plain, four) + ranks(judge, enlarged_plain, four)) > 50
for known in (
    "bald_eagle",
    "goose",
    "cannon",
    "strawberry",
):  # chance that small photos are too much for the judge
    small_photo = photo(known, 128)
    assert ranks(judge, small_photo, [known.replace("_", " ")]) == [1]
    assert not ranks(net, resize(small_photo, judge.input_size), [known.replace("_", " ")])[0] > 50

# %% [markdown]
# ## Regularizers
#
# Look at the formula with $\lambda$ again. Write $z$ for the image counted from the network's mean color: $z = 0$ is gray, "nothing". The gradient of $-\lambda\lVert z\rVert^2$ is $-2\lambda z$. So a step of $\eta$ times the gradient uphill on $S_c - \lambda\lVert z\rVert^2$ is
#
# $$z + \eta\,(g - 2\lambda z) = (1 - 2\eta\lambda)\,z + \eta\, g .$$
#
# Before the usual step every pixel shrinks by the same factor. This is **weight decay**, as in training, with $d = 2\eta\lambda$: the **L2 decay** $z \leftarrow (1 - d)\,z$. (In our loop the decay comes after the step, and $g$ is divided by its mean size, so
# there $\lambda$ is counted in units of $\overline{|g|}$.)

# %%
# micro-example: one step on S - lambda |z|^2 with S = 2a - 3b, and the same as decay and step
z, eta, lam = torch.tensor([0.5, -0.2], requires_grad=True), 0.1, 0.25
value = 2 * z[0] - 3 * z[1] - lam * z.square().sum()
(slope,) = torch.autograd.grad(value, z)
z.detach() + eta * slope, (1 - 2 * eta * lam) * z.detach() + eta * torch.tensor([2.0, -3.0])

# %% [markdown]
# Yosinski et al. (2015) add three more:
#
# - **Gaussian blur** every few steps: fine noise disappears, large shapes stay;
# - **clip pixels with small norm**: the pixels whose three colors together are smallest become 0. Only what matters stays;
# - **clip pixels with small contribution**: without a pixel, the score would change by about $\left|\sum_k g_k\,(-z_k)\right|$, the sum over its three colors. Pixels where this is smallest become 0.
#
# "Smallest" is a **percentile**: with 20 %, a fifth of the pixels.

# %% [markdown] notes="1" minutes=13
# One sentence and one gesture for each of the four. Do the percentile on the five numbers, then the exercise; or catch
# up.

# %%
# micro-example: the value below which 20 % of five numbers lie, and what is not smaller
sizes = torch.tensor([0.1, 0.5, 0.2, 0.9, 0.4])
border = torch.quantile(sizes, 20 / 100)
border, sizes >= border

# %% [markdown] exercise="09.2" title="Three regularizers in their order" points=2 difficulty=3 importance=3 minutes=12 own="course_utils.gradients:L2Decay course_utils.gradients:ClipSmallNorm course_utils.gradients:ClipSmallContribution"
# Apply the decay, then clip by norm, then clip by contribution. (The decay may also come last: it makes all pixels smaller by the same factor.) A pixel goes as a whole: all three colors become 0 where its size is **smaller** (`<`) than the percentile.
# The contribution is that of the pixels *after* the clipping by norm, and its percentile counts all pixels, also those that are 0 by now.


# %% exercise="09.2"
def pull_back(z, gradient, decay, norm_percent, contribution_percent):
    """Decay, then clip by norm, then clip by contribution.

    z: (3, H, W), the pixels counted from gray; gradient: (3, H, W)
    decay: such as 0.1; norm_percent, contribution_percent: such as 20 and 50
    returns: (3, H, W)
    """
    ### BEGIN SOLUTION
    z = (1 - decay) * z
    norm = z.norm(dim=0)
    z = z * (norm >= torch.quantile(norm, norm_percent / 100))
    contribution = (gradient * z).sum(dim=0).abs()
    return z * (contribution >= torch.quantile(contribution, contribution_percent / 100))
    ### END SOLUTION


check("09.2", pull_back)

# %% [markdown] fold="Hint"
# `z.norm(dim=0)` has shape `(H, W)`: one size for each pixel. `z * (sizes >= border)` keeps whole pixels, because `(H, W)` is stretched over the three colors.

# %% [markdown] fold="Think: why not clip by the size of the gradient?"
# A pixel of size 0 contributes nothing, however large its gradient is. The contribution is gradient *times* pixel: what the score would lose.

# %% [markdown]
# ## Transforms
#
# How exact is the noise? Shift a picture by one pixel, and ask for its score again.

# %% [markdown] notes="1" minutes=8
# Let the room guess the scores after one pixel. Ask what a picture must be like to survive a shift. The slip in 09.3 is to forget the way back.

# %%
# the score of the class, as it is and shifted by 1 and 4 pixels: four pictures of plain ascent, and the opening four
for images, targets in ((plain, four), (drawn, classes)):
    numbers = torch.tensor([net.class_index(target) for target in targets])[:, None]
    for shift in (0, 1, 4):
        scores = net(images.roll((shift, shift), dims=(2, 3))).gather(1, numbers)[:, 0]
        print(f"shifted by {shift}:", [f"{score:.0f}" for score in scores.tolist()])

# %% [markdown]
# One pixel takes much of the score of plain ascent, and little of the opening pictures'. Those were cut out at another place in every step. So shift the picture a little before the network sees it: then what survives
# all shifts pays most. In the same way one asks for a little scaling and rotation.

# %% claim="a shift by one pixel takes more than a third of the score from plain ascent, less than a tenth from the opening pictures"
kept_after_shift = []
for shifted_images, shifted_targets in ((plain, four), (drawn, classes)):
    at = torch.tensor([net.class_index(target) for target in shifted_targets])[:, None]
    as_it_is, moved = (
        net(shifted_images.roll((by, by), dims=(2, 3))).gather(1, at).sum() for by in (0, 1)
    )
    kept_after_shift.append((moved / as_it_is).item())
assert kept_after_shift[0] < 2 / 3
assert kept_after_shift[1] > 0.9

# %% [markdown] exercise="09.3" title="Jitter: a gradient that survives a shift" points=2 difficulty=2 importance=3 minutes=8 own="course_utils.gradients:Jitter"
# Shift the image by `dy` rows and `dx` columns with `torch.roll` (what leaves on one side comes back on the other), take the gradient there, and shift the gradient **back**, so that it fits the
# image that came in.


# %% exercise="09.3"
def shifted_gradient(net, image, target, dy, dx):
    """The gradient of a score under a shift.

    net: a network, image: (1, 3, H, W), target: a class index
    dy, dx: rows and columns, positive or negative
    returns: (1, 3, H, W), in the coordinates of `image`
    """
    ### BEGIN SOLUTION
    shifted = image.detach().roll((dy, dx), dims=(2, 3)).requires_grad_()
    (g,) = torch.autograd.grad(net(shifted)[0, target], shifted)
    return g.roll((-dy, -dx), dims=(2, 3))
    ### END SOLUTION


check("09.3", shifted_gradient)

# %% [markdown] fold="Hint"
# `torch.roll(x, (dy, dx), dims=(2, 3))` shifts; the same with `(-dy, -dx)` shifts back.

# %% [markdown]
# ## Frequencies instead of pixels
#
# Every picture is a sum of waves: coarse ones (low frequency) and fine ones (high frequency). Instead of the pixels we can turn the **strength of each wave**. Photos have much coarse and little fine structure,
# so the strength of a wave is divided by its frequency to the power `decay`.
#
# The pictures that can be reached are the same. But a step uphill goes elsewhere (Olah, Mordvintsev and Schubert, 2017). In the same way the
# three colors are mixed as they go together in photos, from three numbers that are independent: light and dark, red against blue, green against both.

# %% [markdown] notes="1" minutes=13
# Show the four waves and let the room say high or low. Draw the folded frequencies of four rows on the board before
# 09.4.

# %%
# four waves: low and high frequency, from top to bottom, from left to right, and both
waves = []
for row, column in ((1, 0), (0, 2), (3, 3), (0, 12)):
    strength = torch.zeros(32, 17, dtype=torch.complex64)
    strength[row, column] = 1.0
    waves.append(torch.fft.irfft2(strength, s=(32, 32)))
show_images(waves, ["row 1", "column 2", "row 3, column 3", "column 12"], columns=4)

# %% [markdown]
# Each wave has one place in a table of strengths. The row of this place says how many waves fit from top to bottom, the column how many fit from left to right. A strength is a complex number: its size is the
# height of the wave, and its angle says how far the wave is shifted.
#
# `torch.fft.rfftfreq(width)` gives the frequencies of the columns (waves per pixel, from 0 to 0.5), `torch.fft.fftfreq(height)` those of the rows: they go up to 0.5 and come back with a minus sign.

# %%
# the frequencies of a picture of 4 rows and 5 columns
torch.fft.fftfreq(4), torch.fft.rfftfreq(5)

# %% [markdown]
# Why does plain ascent give noise? Its first step is the gradient at gray. How much of it is in waves shorter than 4 pixels? Of *all* waves, about 80 % are so short.

# %%
# the share of the squared heights that waves shorter than 4 pixels have: in the gradient, and in a photo
at_gray = torch.full((1, 3, 128, 128), 0.5, requires_grad=True)
(first_gradient,) = torch.autograd.grad(net(at_gray)[0, 985], at_gray)
for name, image in (("gradient at gray", first_gradient), ("photo of a cat", photo("cat", 128))):
    power = torch.fft.fft2(image[0].mean(0)).abs().square()
    power[0, 0] = 0  # the mean is no wave
    frequency = torch.hypot(torch.fft.fftfreq(128)[:, None], torch.fft.fftfreq(128))
    print(f"{name}: {power[frequency > 1 / 4].sum() / power.sum():.0%}")

# %% [markdown]
# A step along this gradient is nearly all fine noise. Turn the strengths instead, with an optimizer that takes about equal steps in all of them (**Adam**, below), and each wave changes in proportion to its height in photos.

# %% claim="of the gradient at gray more than 80 % is in waves shorter than 4 pixels, for both classes; of three photos less than 10 %"
lengths = torch.hypot(torch.fft.fftfreq(128)[:, None], torch.fft.fftfreq(128))


def share_of_fine(image_or_gradient):
    squares = torch.fft.fft2(image_or_gradient[0].mean(0)).abs().square()
    squares[0, 0] = 0
    return (squares[lengths > 1 / 4].sum() / squares.sum()).item()


assert abs((lengths > 1 / 4).float().mean().item() - 0.8) < 0.02
for number_of_class in (985, 604):
    begin_at = torch.full((1, 3, 128, 128), 0.5, requires_grad=True)
    assert (
        share_of_fine(*torch.autograd.grad(net(begin_at)[:, number_of_class].sum(), begin_at)) > 0.8
    )
for photo_name in ("cat", "goose", "strawberry"):
    assert share_of_fine(photo(photo_name, 128)) < 0.1

# %% [markdown] exercise="09.4" title="Build it: a picture from frequencies" points=3 difficulty=4 importance=3 minutes=15 own="course_utils.gradients:Fourier"
# `real` and `imaginary` are the two parts of the strengths. The strength in row $y$ and column $x$ has the frequency $f = \sqrt{f_y^2 + f_x^2}$, with $f_y$ from `fftfreq` and $f_x$ from `rfftfreq`. Where $f$ is smaller than
# $1 / \max(H, W)$, use this value in its place. Divide the strengths by $f^{\text{decay}}$ and go back to pixels with `torch.fft.irfft2(..., s=(height, width), norm="ortho")`.


# %% exercise="09.4"
def from_frequencies(real, imaginary, decay, height, width):
    """A picture from the strengths of its waves.

    real, imaginary: (3, H, W // 2 + 1); decay: such as 1.0
    returns: (3, H, W)
    """
    ### BEGIN SOLUTION
    fy = torch.fft.fftfreq(height, dtype=real.dtype)[:, None]
    fx = torch.fft.rfftfreq(width, dtype=real.dtype)[None, :]
    f = (fy**2 + fx**2).sqrt().clamp(min=1 / max(height, width))
    return torch.fft.irfft2(
        torch.complex(real, imaginary) / f**decay, s=(height, width), norm="ortho"
    )
    ### END SOLUTION


check("09.4", from_frequencies)

# %% [markdown] fold="Hint"
# `fftfreq(height)[:, None]` has shape `(H, 1)`, `rfftfreq(width)[None, :]` has shape `(1, W // 2 + 1)`. Their sum of squares has the shape of the strengths. `torch.complex(real, imaginary)` puts
# the two parts together.

# %% [markdown] fold="I get: contains infinity"
# The frequency of the constant wave is 0. Limit `f` from below before you divide: `f.clamp(min=...)`.

# %% picture="09.4"
# random strengths, drawn by your function with three values of decay
generator = torch.Generator().manual_seed(0)
real, imaginary = torch.randn(2, 3, 96, 49, generator=generator)
pictures = [from_frequencies(real, imaginary, decay, 96, 96) for decay in (0.0, 1.0, 2.0)]
show_images(
    [0.5 + p / (5 * p.std()) for p in pictures],
    ["decay 0: noise", "decay 1: as in photos", "decay 2"],
    columns=3,
)

# %% [markdown]
# ## Only the phases
#
# The size of a strength is how high its wave is; its angle is the **phase**, how far the wave is shifted. Which of the two holds the picture? Oppenheim and Lim (1981) exchanged them: the heights of one picture, the phases of another.
#
# **Predict, run, explain.** Heights of an eagle, phases of a cat: which of the two will you see?

# %% [markdown] notes="1" minutes=12
# Votes first: eagle, cat, or both? Then 09.5, three lines. The room should say why: an edge is where many waves have their
# crests at the same place.

# %% [markdown] exercise="09.5" title="Build it: the heights of one picture, the phases of another" points=2 difficulty=2 importance=4 minutes=8
# Transform both pictures with `torch.fft.rfft2`. Take the sizes of the numbers of `one` (`.abs()`) and the angles of those of `other` (`.angle()`), put them together, and go back with
# `torch.fft.irfft2(..., s=(height, width))`. Do not cut the result off at 0 and 1.


# %% exercise="09.5"
def exchange(one, other):
    """A picture with the heights of one picture's waves and the phases of another's.

    one, other: (3, H, W), of the same size
    returns: (3, H, W)
    """
    ### BEGIN SOLUTION
    heights = torch.fft.rfft2(one).abs()
    phases = torch.fft.rfft2(other).angle()
    return torch.fft.irfft2(torch.polar(heights, phases), s=one.shape[-2:])
    ### END SOLUTION


check("09.5", exchange)

# %% [markdown] fold="Hint"
# `torch.polar(heights, phases)` is the complex number of this size and this angle.

# %% [markdown] fold="I get: a picture that is one column too narrow"
# `rfft2` keeps only half of the columns, so `irfft2` cannot know whether the width was even or odd. Say it: `s=one.shape[-2:]`.

# %% picture="09.5"
# your exchange: two photos, and each one's heights with the other's phases
eagle, cat = photo("bald_eagle")[0], photo("cat")[0]
exchanged = [exchange(eagle, cat), exchange(cat, eagle)]
show_images(
    [eagle, cat, *(one.clamp(0, 1) for one in exchanged)],
    ["eagle", "cat", "eagle's heights,\ncat's phases", "cat's heights,\neagle's phases"],
    columns=4,
)

# %% [markdown]
# You see the animal whose phases were taken. Where waves of all lengths have their crests at the same place, there is an edge. The heights only say how much there is of each length.


# %% claim="the exchanged picture correlates with the photo of its phases, much less with that of its heights"
def alike(one, other):
    without_means = [x - x.mean((1, 2), keepdim=True) for x in (one, other)]
    return torch.corrcoef(torch.stack([x.flatten() for x in without_means]))[0, 1].item()


two = photo("bald_eagle")[0], photo("cat")[0]
mixtures = []
for heights_of, phases_of in (two, two[::-1]):
    waves_of_both = torch.polar(
        torch.fft.rfft2(heights_of).abs(), torch.fft.rfft2(phases_of).angle()
    )
    mixtures.append(torch.fft.irfft2(waves_of_both, s=(224, 224)))
    assert alike(mixtures[-1], phases_of) > 0.3 + alike(mixtures[-1], heights_of)

# %% [markdown]
# So we may fix the heights, and turn only the phases. Fel et al. (2023) call this **magnitude constrained optimization** (MACO): the heights are the mean heights of many photos, the same for every class. Fixed heights forbid loud fine waves, so
# no regularizer has to hold them back. Is that enough? The figure of the next section asks. In the course it is `Phase()`; its heights and its three colors were measured on the gallery's photos.
#
# The network does not see the whole picture. In each step it sees two random pieces of it, between half of its side and the whole, brought to one size, with a little noise on top (`CROPS`). An object pays where most pieces show it, and where it is
# stronger than the noise. (`print(PHASES)` shows the settings.)

# %%
# random phases, where the first picture began; and four views of its end, as the network sees them
draws = torch.Generator().manual_seed(0)
begun = visualize(net, classes[:1], **{**PHASES, "steps": 1})
views = [transform(drawn[:1], CROPS, draws)[0].clamp(0, 1) for _ in range(4)]
show_images([begun[0], *views], ["after one step", *["a view"] * 4], columns=5)

# %% [markdown]
# ## All together
#
# `visualize` puts the pieces together: what is turned (`image=Pixels()`, `Fourier()` or `Phase()`), what happens before the network sees it (`transforms=`), what is made large, which step is taken (`optimizer=`: plain ascent, or Adam, which divides each number's gradient by its own
# usual size), and what pulls the picture back (`regularizers=`). Row A of the next figure adds Yosinski's third set (a little decay, and a blur every four steps) to the plain ascent of the section "A judge"; row B adds crops to it. Then coefficients and phases are turned, by Adam, without
# crops and with them. All have 128 pixels, the same two classes and the same two starts for each; A has 56 steps, as above, the others have 80.
#
# **Predict, run, explain.** Where does the object appear? And where do the two networks find it when it is enlarged?

# %% [markdown] notes="1" minutes=8
# Ask for a bet on one row before the cell. While it runs, read the rows aloud: each is one change. Then cover the titles, and let the
# room say where the objects begin.

# %%
# the ablation: two classes, two pictures of each (about 40 seconds)
crops = (Crop(0.5, 1.0), Noise(0.1))
by_adam = {"size": 128, "steps": 80, "transforms": ()}
waves = {**by_adam, "image": Fourier(), "lr": 0.05}
phases = {**by_adam, "image": Phase(), "lr": 0.3}
ablation = {
    "A  plain + Yosinski's third set": visualize(net, four, **by_ascent, regularizers=YOSINSKI[3]),
    "B  plain + crops": visualize(net, four, **{**by_ascent, "steps": 80, "transforms": crops}),
    "C  Fourier": visualize(net, four, **waves),
    "D  Fourier + crops": visualize(net, four, **{**waves, "transforms": crops}),
    "E  phases": visualize(net, four, **phases),
    "F  phases + crops": visualize(net, four, **{**phases, "transforms": crops}),
}
panels, captions = [], []
for change, four_images in ablation.items():
    panels += [*four_images]
    captions += [f"{change}\n{verdict}" for verdict in verdicts(four_images, four)]
show_images(panels, captions, columns=4)

# %% [markdown]
# The first line of a title tells how the two networks see the picture as it is. In the rows B to E the maker is sure of all four, and the judge often comes close. In row E the heights are fixed, there are no crops, and the maker is sure all the same: fixed heights alone do not prevent
# what fools it. Would *you* name these four?
#
# The second line asks more. Without crops (plain ascent, C, E) the judge names no enlarged picture first. **With crops** (B, D, F) its ranks are far better, whatever is turned. The crops asked for this: they enlarge pieces in every step.
# Best of all is **Fourier with crops** (D): at both sizes the judge names half of the pictures or more first. (From B to D two things change: what is turned, and the optimizer.)
#
# Row F has not come to its end: not even the maker is sure of every picture. So this figure does not compare phases with coefficients. The opening pictures had more: 224 pixels, and two views in each of 80 steps.

# %%
# the opening pictures and their ranks
show_images(drawn, verdicts(drawn, classes), columns=4)

# %% claim="the maker is sure of B to E, not of all of F; enlarged, the judge's median rank with crops is less than half; D is best"
sure, own_size, when_enlarged = {}, {}, {}
for label, images_of_row in {"plain": plain, **ablation}.items():
    sure[label[0]] = net(images_of_row).softmax(1).gather(1, numbers_of_four).min()
    own_size[label[0]] = torch.tensor(ranks(judge, images_of_row, four)).float()
    enlarged_row = resize(images_of_row, judge.input_size)
    when_enlarged[label[0]] = torch.tensor(ranks(judge, enlarged_row, four)).float()
assert min(sure[letter] for letter in "BCDE") > 0.9
assert sure["F"] < 0.9
assert max(own_size[letter].median() for letter in "BCDE") < 50
for without, with_them in ("pB", "CD", "EF"):
    assert when_enlarged[without].min() > 1
    assert when_enlarged[with_them].median() < 0.5 * when_enlarged[without].median()
for at_one_size in (own_size, when_enlarged):
    assert (at_one_size["D"] == 1).sum() >= 2
assert all(when_enlarged["D"].median() < 0.5 * when_enlarged[other].median() for other in "pABCEF")

# %% [markdown]
# Two classes prove little. `tests/benchmarks/bench_ascent.py` draws ten classes, from goldfish to daisy, and asks the judge, with the pictures enlarged to 260 pixels. On our machine:
#
# | what is turned, and how | transforms | judge's first choice | among its first five | median rank |
# |---|---|---|---|---|
# | pixels, plain ascent | none | 0 of 10 | 0 of 10 | 490 |
# | the same, L2 decay | none | 0 | 0 | 396 |
# | the same, Yosinski's four sets | none | 0, 0, 0, 0 | 0, 0, 0, 0 | 272, 488, 225, 546 |
# | pixels, plain ascent | shift, scale, rotation | 0 | 2 | 42 |
# | Fourier, Adam | none | 0 | 2 | 118 |
# | Fourier, Adam | shift, scale, rotation | 9 | 9 | 1 |
# | Fourier with decay 1.4, Adam, 192 pixels, 240 steps | shift, scale, rotation | **10** | **10** | 1 |
#
# All rows but the last: 160 pixels, 96 steps. Other machines round differently, so a rank of 300 may be 200 on yours. The table has no row for phases: compare them yourself, with the settings above and `image=Fourier(), lr=0.05`.
#
# A person is a judge, too. `tests/benchmarks/bench_names.py` draws twenty classes with `PHASES` and writes the pictures in a random order, without names. How many can you name?

# %% [markdown]
# ## Spot the bug
#
# On a score with small gradients the picture does not change at all, however many steps you make.

# %% [markdown] notes="1" minutes=5
# Run the stub with small weights and print the picture before and after.

# %% [markdown] exercise="09.6" title="Spot the bug: a picture that does not move" points=1 difficulty=2 importance=3 minutes=6
# The score is linear, $S = \sum w\,I$, so its gradient is $w$. Run the cell, read what `check` says, and repair the loop.


# %% exercise="09.6"
def climb(image, w, steps, lr):
    """Gradient ascent on the linear score sum(w * image).

    image, w: (3, H, W); each step adds lr * w and cuts off at 0 and 1
    returns: (3, H, W) in [0, 1]
    """
    ### BEGIN SOLUTION
    for _ in range(steps):
        image = (image + lr * w).clamp(0, 1)
    return image
    ### END SOLUTION
    ### BEGIN STUB
    # for _ in range(steps):
    #     image = (image + lr * w).clamp(0, 1)
    #     image = (image * 255).round() / 255  # so that it can be saved as a picture at any time
    # return image
    ### END STUB


check("09.6", climb)

# %% [markdown] fold="Hint"
# A picture file has 256 levels. What happens to a step that is smaller than half a level?

# %% [markdown] solution="09.6"
# A step of less than 1/510 is rounded away, in every step again. Round once, when the picture is saved.

# %% [markdown]
# ## Layer by layer
#
# Not only a class can be asked what it likes to see. Here are two channels in each of four layers of VGG-19, the same two numbers and the same method everywhere. `"relu3_1:12"` means channel 12 of that layer: the mean
# over its positions is made large. The last row is the control: channel 12 of a network with random weights.

# %% [markdown] notes="1" minutes=4
# Let the room put the columns into their order with the titles hidden. Then the last row: what is left without training?

# %%
# one column for each layer: two channels, and one of random weights (about 20 seconds)
vgg = load_network("vgg19")
untrained = randomized(vgg, scale="he")
columns = []
for layer, size in (
    ("relu1_2", 40),
    ("relu2_2", 48),
    ("relu3_1", 56),
    ("relu5_1", 72),
):
    units = [f"{layer}:{k}" for k in (12, 42)]
    trained = visualize(vgg, units, size=size, steps=28)
    control = visualize(untrained, units[:1], size=size, steps=28)
    pictures = resize(torch.cat([trained, control]), 80)
    columns.append([*zip(pictures, [*units, f"random: {layer}:12"], strict=True)])
cells = [cell for row in zip(*columns, strict=True) for cell in row]
show_images([image for image, _ in cells], [unit for _, unit in cells], columns=4, width=6)

# %% [markdown]
# (The first column's pictures are 40 pixels wide, and enlarged: a unit of this layer sees 5 pixels.) Go through the rows from left to right. What becomes larger? Where does a texture become a thing? And what does the row of random weights have in common with the others?

# %% [markdown]
# ## More than one facet
#
# A picture shows one thing that a unit responds to. It may respond to several. **Multifaceted feature visualization** (Nguyen et al., 2016) starts from different places: take the images that excite the unit
# most, cluster them by their features, and start from the *mean image* of each cluster. Each cluster's picture is called a facet. A center bias, a gradient that is stronger in the middle, asks for one object instead of many.
#
# We cut pieces out of 10 photos, take the 40 that excite channel 670 of the last feature layer most, and make three clusters.

# %% [markdown] notes="1" minutes=4
# Ask which things one unit might answer to, and look for them in the pieces.

# %%
# pieces of photos, and the 40 that excite the unit most
unit = "conv_head:670"  # the channel before its ReLU6: a ReLU that is off passes no gradient
names = [
    "bald_eagle",
    "goose",
    "rocket",
    "spoonbill",
    "cat",
    "jeep",
    "coffee",
    "cannon",
    "strawberry",
    "astronaut",
]
pieces = []
for name in names:
    whole = photo(name, 320, crop=False)
    for side in (112, 176):
        tiles = whole.unfold(2, side, 56).unfold(3, side, 56)  # (1, 3, rows, columns, side, side)
        pieces.append(resize(tiles.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, side, side), 112))
pieces = torch.cat(pieces)
responses = layer_outputs(net, pieces, ["conv_head"], batch_size=64)["conv_head"][:, 670].mean(
    (1, 2)
)
top = pieces[responses.topk(40).indices]
starts, members = facet_starts(net, top, count=3, nearest=8)
show_images([*top[:6]], title=f"{len(pieces)} pieces; the six that excite {unit} most")

# %%
# each facet: its cluster's nearest pieces, its mean image, and the picture that grows from it
facets = visualize(
    net, channel(unit), image=Fourier(starts), transforms=(CenterBias(0.25), *ROBUST), steps=48
)
rows, titles = [], []
for k in range(3):
    rows += [*top[members[k][:4]], starts[k], facets[k]]
    titles += [*[f"cluster {k + 1}"] * 4, "mean", "facet"]
show_images(rows, titles, columns=6)

# %% [markdown]
# Look at the pieces: from how many photos does each cluster come? The three pictures differ. Do they show three things that the unit knows? There is a simpler reading: each picture keeps the *color* of its start. The control: begin with one flat color, the mean color of the same start. Nothing of the cluster's photos is left but this color.

# %%
# the control: flat starts of the same three colors; and the unit's mean over all positions, for all pictures
flat_starts = starts.mean((2, 3), keepdim=True).expand_as(starts)
flat = visualize(
    net, channel(unit), image=Fourier(flat_starts), transforms=(CenterBias(0.25), *ROBUST), steps=48
)


def excitation(images):
    """The unit's mean over all positions, one number for each image."""
    return layer_outputs(net, images, ["conv_head"])["conv_head"][:, 670].mean((1, 2))


for name, images in (("from mean images", facets), ("from flat colors", flat)):
    print(f"{name}:", [f"{value:.1f}" for value in excitation(images).tolist()])
print("best pieces:     ", [f"{value:.1f}" for value in responses.topk(3).values.tolist()])
show_images(
    [*facets, *flat],
    [*["from a mean image"] * 3, *["from its flat color"] * 3],
    columns=3,
    width=6,
)

# %% [markdown]
# The control does as well. Each picture has the color of the one above it, and the unit is excited about as much. So the colors come from the start, and three pictures that differ are no evidence for three facets.
# What this section shows is less than its name says: many different pictures excite one unit. (Nguyen et al. took hundreds of training photos for each unit. We have some hundred pieces of ten photos.)

# %% claim="flat starts excite the unit about as much, far more than any photo; each picture has its start's color"
by_mean, by_flat = excitation(facets), excitation(flat)
assert by_flat.mean() > 0.75 * by_mean.mean()
assert by_flat.min() > 1.5 * responses.max()
tints = [pictures_of.mean((2, 3)) for pictures_of in (facets, flat)]
assert (torch.cdist(*tints).argmin(1) == torch.arange(3)).all()

# %% [markdown]
# ## Explore
#
# Any of the 1000 classes, each helper on or off. The last result stays beside the new one; below each stands what its maker says, and the judge of the picture enlarged to 260 pixels.
#
# - Goldfish with "Only phases" on, then off; with "Frequencies" off; with "Random transforms" off, then on. When does the judge agree? When do you?
# - With "Frequencies" off, try the three regularizers one by one. Which kind of noise does each one take away?
# - A class of your own with three seeds. What is the same in all three pictures, and what changes?

# %%
# draw any class, with each helper on or off
explorers.ClassVisualization(net)

# %% [markdown]
# ## What this picture does not show
#
# How much of the picture comes from the network, and how much from our own wishes (smooth, colored like photos)? The test: a network with random weights, the same settings.

# %% [markdown] notes="1" minutes=4
# Ask what is left when nothing was learned: colors, smoothness, petals?

# %%
# the settings of row F, with trained and with random weights: the score of each class after one step, and at the end
nothing = randomized(net)
with_crops = {**phases, "transforms": crops}
start = visualize(net, four, **{**with_crops, "steps": 1})
empty = visualize(nothing, four, **with_crops)
numbers = torch.tensor([net.class_index(name) for name in four])[:, None]
titles = []
for network, weights, end in (
    (net, "trained", ablation["F  phases + crops"]),
    (nothing, "random", empty),
):
    low, high = (network(images).gather(1, numbers)[:, 0].tolist() for images in (start, end))
    titles += [
        f"{weights}: {name}\nscore {round(a)}, then {round(b)}"
        for name, a, b in zip(four, low, high, strict=True)
    ]
show_images([*ablation["F  phases + crops"], *empty], titles, columns=4)

# %% claim="the mean score of the trained network rises by more than 8, that of the random network by less than 2"
rises = []
for its_network, its_end in ((net, ablation["F  phases + crops"]), (nothing, empty)):
    its_scores = [
        its_network(images).gather(1, numbers_of_four).mean() for images in (start, its_end)
    ]
    rises.append((its_scores[1] - its_scores[0]).item())
assert rises[0] > 8
assert rises[1] < 2

# %% [markdown]
# - The colors, and how much there is of coarse and fine structure, come from us: `Phase` fixed them before the first step. The object comes from the trained weights. Do you find one in the second row?
# - The random network's score hardly rises. So its pictures show what we put in, not what such a network would like.
# - A high score is no evidence that a picture shows the class. The noise had one, too.
# - A picture shows one way to excite a unit strongly: the end of one ascent, from one start. It does not show what the unit responds to on photos. Hold it against the top patches of lesson 05.

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=3
# By show of hands, one question at a time.

# %%
# four questions, with an explanation for every answer
quiz("09")

# %% [markdown]
# ## Summary
#
# - Gradient ascent keeps the weights and changes the image. A regularizer $\lambda\lVert I\rVert^2$ is a decay of the pixels.
# - The gradient at gray is nearly all fine noise. What grows from it is made for exactly these pixels: shifted by one it loses much of its score, and enlarged even its maker has lost it.
# - Transforms and random pieces ask for what survives them; frequencies change which way is uphill; fixed heights leave only the phases, which can fool the maker as well.
# - A second network tells more than the maker's own confidence. But it is a relative: it was trained on the same photos. A person who does not know the class is another judge.
# - Another answer changes the network, not the ascent: train it on images that were changed to fool it, then climb the pixels (Santurkar et al., 2019).
#
# **Papers.** Erhan, Bengio, Courville, Vincent: *Visualizing Higher-Layer Features of a Deep Network*, 2009. Simonyan, Vedaldi, Zisserman: *Deep Inside Convolutional Networks*, ICLR Workshop 2014. Yosinski, Clune, Nguyen, Fuchs, Lipson: *Understanding Neural Networks Through Deep
# Visualization*, ICML Workshop 2015. Nguyen, Yosinski, Clune: *Multifaceted Feature Visualization*, ICML Workshop 2016. Olah, Mordvintsev, Schubert: *Feature Visualization*, Distill 2017. Oppenheim, Lim: *The
# Importance of Phase in Signals*, Proceedings of the IEEE 1981. Fel et al.: *Unlocking Feature Visualization for Deeper Networks with MAgnitude Constrained Optimization*, NeurIPS 2023. Santurkar et al.: *Image Synthesis with a Single (Robust) Classifier*, NeurIPS 2019.
