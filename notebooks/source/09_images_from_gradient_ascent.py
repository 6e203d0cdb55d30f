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
    L2Decay,
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
# No photo was drawn on. Each picture began as waves at random places, and was changed until the network's score for one class was high. At the end of this lesson you will know every part of it:
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
# $S_c$ is the score before the softmax. $\lVert I\rVert_2^2$ is the sum of the squares of all pixels, where 0 is the network's mean color; the number $\lambda$ says how much it counts. Such a term is a **regularizer**: it is large for pictures that we do
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
# Is this a daisy? The network that made it cannot be asked: it is always sure. So ask a network that had no part in it. `efficientnet_lite2` has other weights and sees
# larger images. We note the **rank** of the class among the judge's 1000 classes: 1 means that it names the class first.
#
# **Predict, run, explain.** Plain ascent from faint noise, 56 steps. What probability will the network itself give? And what rank will the judge give? Write both numbers down.

# %% [markdown] notes="1" minutes=6
# Votes before the cell: does the judge see a daisy? Ask why the maker cannot be its own judge.

# %%
# what the network says of its own pictures, and what the judge says: two classes, two pictures of each
judge = load_network("efficientnet_lite2")


def verdicts(images, targets):
    """For each image the maker's probability and the judge's rank, as a title."""
    scores = judge(resize(images, judge.input_size))
    numbers = torch.tensor([net.class_index(target) for target in targets])[:, None]
    ranks = (scores > scores.gather(1, numbers)).sum(1) + 1
    own = net(images).softmax(1).gather(1, numbers)[:, 0]
    return [
        f"maker {p:.0%}, judge: rank {r}" for p, r in zip(own.tolist(), ranks.tolist(), strict=True)
    ]


four = ["daisy", "daisy", "hourglass", "hourglass"]
pixels = {"image": Pixels("noise"), "transforms": (), "size": 128, "steps": 56}
by_ascent = {**pixels, "optimizer": "ascent", "lr": 0.02}
plain = visualize(net, four, **by_ascent)
show_images(plain, verdicts(plain, four), columns=4)

# %% [markdown]
# The two daisies differ in the faint noise that they began with. The maker is sure of all four pictures. Can you tell which two are hourglasses? Among all pictures with a high score, nearly all look like noise. To get a picture, we must ask for one.

# %% claim="the maker is sure of all four; for the judge none is among the first ten"
numbers_of_four = torch.tensor([net.class_index(name) for name in four])[:, None]


def judged(images):
    """The rank of each image's class for the judge."""
    scores_here = judge(resize(images, judge.input_size))
    return ((scores_here > scores_here.gather(1, numbers_of_four)).sum(1) + 1).tolist()


assert net(plain).softmax(1).gather(1, numbers_of_four).min() > 0.9
assert min(judged(plain)) > 10

# %% [markdown]
# ## Regularizers
#
# Look at the formula with $\lambda$ again. Write $z$ for the image counted from the network's mean color: $z = 0$ is gray, "nothing". The gradient of $-\lambda\lVert z\rVert^2$ is $-2\lambda z$. So a step of length $\eta$ uphill on $S_c - \lambda\lVert z\rVert^2$ is
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
# Noise that raises the score is exact: shift it, and the score falls. So shift the picture a little in every step, before the network sees it. Only what survives
# all shifts can grow. The same holds for a little scaling and rotation.

# %% [markdown] notes="1" minutes=8
# Ask what a picture must be like to survive a shift. The slip in 09.3 is to forget the way back.

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
# The pictures that can be reached are the same. But a step uphill goes elsewhere: a step in pixels changes mostly fine noise, and a step in frequencies changes all scales alike. In the same way the
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
# You see the animal whose phases were taken. Where waves of all lengths have their crests at the same place, there is an edge. The heights only say how much there is of each length, and in photos this is much alike.


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
# So we may fix the heights, and turn only the phases. Fel et al. (2023) call this **magnitude constrained optimization** (MACO): the heights are the mean heights of many photos, the same for every class. Noise that fools one network
# needs high fine waves, and there are none to be had. No regularizer is needed. In the course it is `Phase()`; its heights and its three colors were measured on the gallery's photos.
#
# The network does not see the whole picture. In each step it sees two random pieces of it, between half of its side and the whole, brought to one size, with a little noise on top (`CROPS`). So the object must be there in every piece, and it must be
# stronger than the noise.

# %%
# random phases, where the first picture began; and four views of its end, as the network sees them
draws = torch.Generator().manual_seed(0)
begun = visualize(net, classes[:1], **{**PHASES, "steps": 1})
views = [transform(drawn[:1], CROPS, draws)[0].clamp(0, 1) for _ in range(4)]
show_images([begun[0], *views], ["after one step", *["a view"] * 4], columns=5)

# %% [markdown]
# ## All together
#
# `visualize` puts the pieces together: what is turned (`image=Pixels()`, `Fourier()` or `Phase()`), what happens before the network sees it (`transforms=`), what is made large, which step is taken (`optimizer=`: plain ascent, or **Adam**, which divides each number's gradient by its own
# usual size), and what pulls the picture back (`regularizers=`). Each row of the next figure changes **one** of these against the row that its name gives. Everything else is equal: 128 pixels, 56 steps, the same two classes, the same two starts for each. (The size of a step is counted in other units for pixels, Fourier
# coefficients and phases. Each has one that suits it.)
#
# **Predict, run, explain.** Which single change makes the object appear?

# %% [markdown] notes="1" minutes=8
# Ask for a bet on one row before the cell. While it runs, read the rows aloud: each is one change. Then cover the titles, and let the
# room say where the objects begin.

# %%
# the ablation: two classes, two pictures of each, one change in every row (about 40 seconds)
with_adam = {**pixels, "optimizer": "adam", "lr": 0.02}
with_crops = {**with_adam, "transforms": (Crop(0.5, 1.0), Noise(0.1))}
with_waves = {**with_crops, "image": Fourier(), "lr": 0.05}
with_phases = {**with_crops, "image": Phase(), "lr": 0.3}
ablation = {
    "A  plain ascent on pixels": plain,
    "B  A + L2 decay": visualize(net, four, **by_ascent, regularizers=[L2Decay(0.1)]),
    "C  A + Yosinski's third set": visualize(net, four, **by_ascent, regularizers=YOSINSKI[3]),
    "D  A, but Adam": visualize(net, four, **with_adam),
    "E  D + crops": visualize(net, four, **with_crops),
    "F  E, but Fourier": visualize(net, four, **with_waves),
    "G  F without crops": visualize(net, four, **{**with_waves, "transforms": ()}),
    "H  E, but phases": visualize(net, four, **with_phases),
    "I  H without crops": visualize(net, four, **{**with_phases, "transforms": ()}),
}
panels, captions = [], []
for change, four_images in ablation.items():
    panels += [*four_images]
    captions += [f"{change}\n{verdict}" for verdict in verdicts(four_images, four)]
show_images(panels, captions, columns=4)

# %% [markdown]
# In the rows A to E and in the two rows without crops the judge names no picture first. What each change does:
#
# - **L2 decay** (B) makes the noise fainter, **Yosinski's third set** (C: a little decay, and a blur every four steps) also coarser. Their pieces calm the picture; they do not convince the judge. Yosinski and his colleagues drew with an older and smaller network.
# - **Adam** instead of plain ascent (D) gives noise as well. So what comes below is not the work of the optimizer.
# - **Crops** on pixels (E) leave a texture all over, and after these steps not even the maker is sure of every picture.
# - **Fourier** coefficients with crops (F): now there is an object. Without crops (G), with the same coefficients, the judge does not find it. It takes both.
# - **Phases** with crops (H): again an object, on a ground of noise. The heights are fixed: a wave that the object does not need cannot be made lower, it can only be shifted. Without crops (I) the judge is far away again. Can you see something there?
#
# Fourier or phases? In this figure the judge prefers row F. But 56 steps with one view each may be too few for the phases, and a search that has not come to its end says little about its limit. The opening pictures took 80 steps at 224 pixels, with two views in each step. (Try F with these settings: which pictures would *you* rather name?)

# %% claim="the judge names no picture of A to E, G and I first; of F, which differs from E and G in one thing, at least two"
first_choices = {
    name[0]: sum(rank == 1 for rank in judged(images)) for name, images in ablation.items()
}
assert all(first_choices[letter] == 0 for letter in "ABCDEGI")
assert first_choices["F"] >= 2

# %% [markdown]
# Two classes prove little. `tests/benchmarks/bench_ascent.py` draws ten classes with every setting, from goldfish to daisy, and asks the judge. On our machine:
#
# | what is turned, and how | transforms | judge's first choice | among its first five | median rank |
# |---|---|---|---|---|
# | pixels, plain ascent | none | 0 of 10 | 0 of 10 | 490 |
# | the same, L2 decay | none | 0 | 0 | 396 |
# | the same, blur every 4 steps | none | 1 | 1 | 226 |
# | the same, clip pixels of small norm | none | 0 | 0 | 350 |
# | the same, clip pixels of small contribution | none | 0 | 0 | 302 |
# | the same, Yosinski's four sets | none | 0, 0, 0, 0 | 0, 0, 0, 0 | 272, 488, 225, 546 |
# | the same, Yosinski's third set | shift, scale, rotation | 0 | 0 | 228 |
# | pixels, plain ascent | shift, scale, rotation | 0 | 2 | 42 |
# | Fourier, Adam | none | 0 | 2 | 118 |
# | Fourier, Adam | shift, scale, rotation | 9 | 9 | 1 |
# | Fourier with decay 1.4, Adam, 192 pixels, 240 steps | shift, scale, rotation | **10** | **10** | 1 |
#
# All rows but the last: 160 pixels, 96 steps. Other machines round differently, so a rank of 300 may be 200 on yours.
#
# The judge is not neutral: it was trained on the same photos as the maker. So `tests/benchmarks/bench_names.py` asks a person, too. It draws twenty classes with `PHASES` and writes the pictures in a random order, without names. How many can you name?

# %% [markdown]
# ## Spot the bug
#
# A loop like this is in a well-known repository. On a score with small gradients the picture does not change at all, however many steps you make.

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
# Not only a class can be asked what it likes to see. Here are three channels in each of five layers of VGG-19, the same method everywhere. `"relu3_1:12"` means channel 12 of that layer: the mean
# over its positions is made large.

# %% [markdown] notes="1" minutes=4
# Let the room put the rows into their order with the titles hidden.

# %%
# from spots to parts: one column for each layer, three pictures in one pass (about 20 seconds)
vgg = load_network("vgg19")
columns = []
for layer, size in (
    ("relu1_2", 40),
    ("relu2_2", 48),
    ("relu3_1", 64),
    ("relu4_1", 80),
    ("relu5_1", 80),
):
    units = [f"{layer}:{k}" for k in (12, 20, 42)]
    columns.append(
        [*zip(resize(visualize(vgg, units, size=size, steps=28), 80), units, strict=True)]
    )
cells = [cell for row in zip(*columns, strict=True) for cell in row]
show_images([image for image, _ in cells], [unit for _, unit in cells], columns=5, width=7)

# %% [markdown]
# The first column likes spots and stripes of two colors. (Its pictures are 40 pixels wide, and enlarged: a unit of this layer sees 5 pixels.) To the right the textures become richer and more regular. In the last column
# parts of things appear, with scales, threads and folds. No channel was told what to become.

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
# Three clusters, three pictures that differ. Do they show three things that the unit knows? There is a simpler reading: each picture keeps the *color* of its start. The control: begin with one flat color, the mean color of the same start. Nothing of the cluster's photos is left but this color.

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
# Any of the 1000 classes, each helper on or off. The last result stays beside the new one; below each stands what its maker and the judge say.
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
# the settings of row H, with trained and with random weights
nothing = randomized(net)
empty = visualize(nothing, four[1::2], **with_phases)
show_images(
    [*ablation["H  E, but phases"][1::2], *empty],
    ["trained: daisy", "trained: hourglass", "random: daisy", "random: hourglass"],
    columns=4,
)

# %% [markdown]
# - The colors, and how much there is of coarse and fine structure, come from us: `Phase` fixed them before the first step. The object comes from the trained weights. Do you find one in the two pictures on the right?
# - A high score is no evidence that a picture shows the class. The noise had one, too.
# - A picture shows what excites a unit most, not what it responds to on photos. Hold it against the top patches of lesson 05.
# - Where the picture shows one object in one place, the random pieces asked for it. The network's score alone did not.

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
# - Without more, it finds noise that only this network believes in.
# - Transforms and random pieces ask for what survives them; frequencies change which way is uphill; fixed heights leave only the phases, and no room for noise.
# - A second network is a better judge than the maker. It is not a neutral one: it was trained on the same photos. A person who does not know the class is another.
#
# **Papers.** Simonyan, Vedaldi, Zisserman: *Deep Inside Convolutional Networks*, ICLR Workshop 2014. Yosinski, Clune, Nguyen, Fuchs, Lipson: *Understanding Neural Networks Through Deep
# Visualization*, ICML Workshop 2015. Nguyen, Yosinski, Clune: *Multifaceted Feature Visualization*, ICML Workshop 2016. Olah, Mordvintsev, Schubert: *Feature Visualization*, Distill 2017. Oppenheim, Lim: *The
# Importance of Phase in Signals*, Proceedings of the IEEE 1981. Fel et al.: *Unlocking Feature Visualization for Deeper Networks with MAgnitude Constrained Optimization*, NeurIPS 2023.
