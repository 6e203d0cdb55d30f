# %% [markdown] lesson="09" title="Images from gradient ascent: what would the network like to see?" minutes=100 needs="07"
# You will be able to: draw a picture that a class, a channel or a neuron responds to; say why plain gradient ascent gives noise; add the regularizers, the
# transforms, the Fourier coefficients and the phases that turn noise into a picture; and judge the result with a second network, and with your own eyes.

# %% tags=["setup"]

import torch

from course_utils import (
    check,
    explorers,
    layer_outputs,
    load_network,
    photo,
    quiz,
    receptive_field,
    show_images,
)
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
    input_gradient,
    neuron,
    visualize,
)
from course_utils.images import load_image, resize
from course_utils.networks import randomized
from course_utils.optimize.transforms import transform
from course_utils.places import data_file

# %%
# the result first: four pictures, drawn for four classes. They are stored: `python -m course_utils.training.class_pictures`
# makes them by `visualize(net, classes, **{**PHASES, "steps": 100})`, in about a minute
net = load_network("efficientnet_lite0")
classes = [471, 949, 920, 386]
drawn = torch.cat(load_image(data_file("class_pictures/phases.png"), None).chunk(4, 3))
show_images(drawn)

# %% [markdown]
# What do you see? Write four names down before you run the next cell.

# %%
# the four classes
[net.category(number) for number in classes]

# %% [markdown]
# No photo was the start. Each picture began as waves at random places, and was changed in 100 steps uphill on the network's score for one class. (Its mean color, and how high the waves of each of three colors are, was measured on the photos of the course's gallery.) At the end of this lesson you will know every part of it:
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
# Training changes the weights and keeps the images. Now we keep the weights and change the image $I$, so that the score $S_c$ of a class grows. Erhan et al. (2009) did so for single units. For a class Simonyan, Vedaldi and Zisserman (2014) write
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
# Is this a daisy? The network that made it cannot be the only one to say so. So ask a network that had no part in it: `efficientnet_lite2`. It is of the same family and learned from the same photos. We note the **rank** of the class among 1000 classes: 1 means that it is named first, and a guess has a rank around 500.
#
# The judge usually sees 260 pixels. But enlarging changes a picture, too. So both networks see each picture twice: as it is, and enlarged to 260 pixels.
#
# **Predict, run, explain.** Plain ascent from faint noise, 80 steps. Which of the four ranks will be near 1, and which near 500? Write them down.

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
pixels = {"image": Pixels("noise"), "transforms": (), "size": 128, "steps": 80}
by_ascent = {**pixels, "optimizer": "ascent", "lr": 0.02}
plain = visualize(net, four, **by_ascent)
snapshot = photo(
    "strawberry", 128
)  # so small a photo, for comparison: do they name it, as it is and enlarged?
show_images(
    [*plain, snapshot[0]],
    [*verdicts(plain, four), "photo: " + verdicts(snapshot, ["strawberry"])[0]],
    columns=5,
)

# %% [markdown]
# The two daisies differ in the faint noise that they began with. The maker gives each class a probability of more than 90 %. The judge, which sees the same pixels, does far better than a guess (about 500) with both daisies. Does part of what fools the maker carry over, or does the judge see a daisy in any such noise? Ask it for the other class: `ranks(judge, plain, four[::-1])`. What can *you* see in the middle of the first two?
#
# Enlarged, none of the four is near the top for either network: its maker has lost it, too. The photo is as small, and enlarged both still find it. To get more, we must ask for it.

# %% claim="the maker is sure of all four; the judge ranks the daisies under 100; enlarged, neither finds them, but photos"
numbers_of_four = torch.tensor([net.class_index(name) for name in four])[:, None]
assert net(plain).softmax(1).gather(1, numbers_of_four).min() > 0.9
assert max(ranks(judge, plain, four)[:2]) < 100
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

# %% uses="09.2"
# your three steps after each of 30 steps uphill, from faint noise to 'daisy': what they leave of the pixels
z = 0.02 * torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
of_daisy = [net(z + 0.5)[0, 985].item()]
for _ in range(30):
    uphill = input_gradient(net, z + 0.5, 985)
    z = (z + 0.02 * uphill / uphill.abs().mean()).clamp(-0.5, 0.5)
    z = pull_back(z[0], uphill[0], 0.01, 20, 40)[None]
of_daisy.append(net(z + 0.5)[0, 985].item())
print(f"{(z == 0).all(1).float().mean():.0%} of the pixels are gray")
print(f"score of the daisy: from {of_daisy[0]:.1f} to {of_daisy[1]:.1f}")

# %% [markdown] fold="Think: why not clip by the size of the gradient?"
# A pixel of size 0 contributes nothing, however large its gradient is. The contribution is gradient *times* pixel: what the score would lose.

# %%
# the two daisies again, from the same starts, with Yosinski's third set: a blur every four steps, and a little decay
blurred = visualize(net, ["daisy"] * 2, **by_ascent, regularizers=YOSINSKI[3])
show_images(blurred, verdicts(blurred, four[:2]), columns=2, width=4)

# %% [markdown]
# Compare the ranks with those of plain ascent, but trust them little: in 80 steps the last digit of a number grows to another picture. In the picture above the blur helped the judge a lot; with another number of threads it did not help at all. Two daisies do not decide; the table near the end has ten classes. (The decay does almost nothing: 80 times 0.0001 is less than 1 %.)
# What holds is what you see: with the blur the pictures have less fine noise. Do you see petals?

# %% claim="with the blur, neighboring pixels differ less than without"
differences = [
    (x[..., 1:] - x[..., :-1]).abs().mean((1, 2, 3)) / x.std((1, 2, 3))
    for x in (blurred, plain[:2])
]
assert (differences[0] < 0.8 * differences[1]).all()
assert 0.9999**80 > 0.99
assert not (differences[1] < 0.8 * differences[1]).any()

# %% [markdown]
# ## Transforms
#
# How exact is the noise? Shift a picture by one pixel, and ask for its score again. We compare with four pictures of the same ascent, from the same starts, with two changes: before each step a random piece is cut
# out of the picture and brought to full size, and a little noise is put on top. The network sees only this.

# %% [markdown] notes="1" minutes=8
# Let the room guess the scores after one pixel. Ask what a picture must be like to survive a shift. The slip in 09.3 is to forget the way back.

# %%
# score and rank of the class, as it is and shifted by one pixel: plain ascent, and the same with random pieces
crops = (Crop(0.5, 1.0), Noise(0.1))
with_pieces = visualize(net, four, **{**by_ascent, "transforms": crops})
numbers = torch.tensor([net.class_index(target) for target in four])[:, None]
for name, images in (("plain ascent", plain), ("random pieces", with_pieces)):
    for shift in (0, 1):
        shifted = images.roll((shift, shift), dims=(2, 3))
        scores = net(shifted).gather(1, numbers)[:, 0].tolist()
        print(f"{name}, shifted by {shift}:", [f"{score:.0f}" for score in scores], end=" ")
        print("ranks", ranks(net, shifted, four))

# %% [markdown]
# One pixel takes more than half of the score of plain ascent, and next to nothing with random pieces. But look at the ranks, too: what is left keeps the class near the top of a thousand. A shift weakens this noise; enlarging, as we saw, undoes it.
#
# So change the picture a little before the network sees it: then what survives all changes pays most. Mordvintsev et al. (2015) shift it (**jitter**), Olah et al. (2017) also scale and rotate it.

# %% claim="a shift by one pixel takes over 40 % of the score from plain ascent, not from the same with random pieces; the rank stays below twenty for three of four"
kept_after_shift = []
for its_images in (plain, with_pieces):
    moved_by_one = its_images.roll((1, 1), dims=(2, 3))
    before, after = (net(x).gather(1, numbers_of_four).sum() for x in (its_images, moved_by_one))
    kept_after_shift.append((after / before).item())
    assert sorted(ranks(net, moved_by_one, four))[2] <= 20
assert kept_after_shift[0] < 0.6
assert not kept_after_shift[1] < 0.9

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

# %% uses="09.3"
# your gradient in a loop of 40 steps for 'daisy', shifted by up to 8 pixels, anew in each step
my_draws = torch.Generator().manual_seed(0)
my_image = torch.full((1, 3, 128, 128), 0.5)
for dy, dx in torch.randint(-8, 9, (40, 2), generator=my_draws).tolist():
    my_gradient = shifted_gradient(net, my_image, 985, dy, dx)
    my_image = (my_image + 0.02 * my_gradient / my_gradient.abs().mean()).clamp(0, 1)
flat_gray = Pixels(torch.full((1, 3, 128, 128), 0.5))
unshifted = visualize(net, ["daisy"], **{**by_ascent, "image": flat_gray, "steps": 40})
for name, image in (("with your shifts", my_image), ("the same without shifts", unshifted)):
    its_scores = [net(image.roll((by, by), dims=(2, 3)))[0, 985].item() for by in (0, 1)]
    print(
        f"{name}: score {its_scores[0]:.0f}, shifted by one {its_scores[1]:.0f};",
        *verdicts(image, ["daisy"]),
    )

# %% [markdown]
# Which of the two keeps its score under a shift? And enlarged? These are two different wishes: one must ask for each.

# %% claim="40 steps with shifts keep over 80 % of their score after a shift by one pixel; 40 steps without do not"
kept = []
for drawn_in_40 in (my_image, unshifted):
    of_both = [net(drawn_in_40.roll((by, by), dims=(2, 3)))[0, 985].item() for by in (0, 1)]
    kept.append(of_both[1] / of_both[0])
assert kept[0] > 0.8
assert not kept[1] > 0.7

# %% [markdown]
# ## Frequencies instead of pixels
#
# Every picture is a sum of waves: coarse ones (low frequency) and fine ones (high frequency). Instead of the pixels we can turn the **strength of each wave**. Photos have much coarse and little fine structure,
# so the strength of a wave is divided by its frequency to the power `decay` (1.25 in `Fourier()`).
#
# The pictures that can be reached are the same. But a step uphill goes elsewhere: the optimizer changes all strengths about equally, and the division makes the coarse waves move most (Olah, Mordvintsev and Schubert, 2017). The three colors are mixed as they go together in photos: light and dark, red against blue, green against both.

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
# Each wave has one place in a table of strengths. The row of this place says how many waves fit from top to bottom (in the lower half count the rows from below), the column how many fit from left to right. A strength is a complex number: its size is the
# height of the wave, and its angle says how far the wave is shifted.
#
# `torch.fft.rfftfreq(width)` gives the frequencies of the columns (waves per pixel, from 0 to 0.5), `torch.fft.fftfreq(height)` those of the rows: they go up to 0.5 and come back with a minus sign.

# %%
# the frequencies of a picture of 4 rows and 5 columns
torch.fft.fftfreq(4), torch.fft.rfftfreq(5)

# %% [markdown]
# Why does plain ascent give noise? Its first step is the gradient at gray. How much of it is in waves shorter than 4 pixels? Of *all* waves, about 80 % are so short, so white noise has this share.

# %%
# the share of the squared heights that waves shorter than 4 pixels have: in the gradient, and in a photo
at_gray = torch.full((1, 3, 128, 128), 0.5, requires_grad=True)
(first_gradient,) = torch.autograd.grad(net(at_gray)[0, 985], at_gray)
(unlearned,) = torch.autograd.grad(randomized(net, scale="he")(at_gray)[0, 985], at_gray)
white = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
for name, image in (
    ("gradient at gray", first_gradient),
    ("the same, random weights", unlearned),
    ("white noise", white),
    ("photo of a cat", photo("cat", 128)),
):
    power = torch.fft.fft2(image[0].mean(0)).abs().square()
    power[0, 0] = 0  # the mean is no wave
    frequency = torch.hypot(torch.fft.fftfreq(128)[:, None], torch.fft.fftfreq(128))
    print(f"{name}: {power[frequency > 1 / 4].sum() / power.sum():.0%}")

# %% [markdown]
# The gradient is even finer than white noise, and so is that of random weights: the network's build is enough for this, no training is needed. Turn the strengths instead, with an optimizer that takes about equal steps in all of them (**Adam**, below), and coarse waves change more than fine ones, about as in photos.

# %% claim="the gradient at gray is finer than white noise, with trained and with random weights; three photos have less than 10 %"
lengths = torch.hypot(torch.fft.fftfreq(128)[:, None], torch.fft.fftfreq(128))


def share_of_fine(image_or_gradient):
    squares = torch.fft.fft2(image_or_gradient[0].mean(0)).abs().square()
    squares[0, 0] = 0
    return (squares[lengths > 1 / 4].sum() / squares.sum()).item()


assert abs((lengths > 1 / 4).float().mean().item() - 0.8) < 0.02
for number_of_class in (985, 604):
    begin_at = torch.full((1, 3, 128, 128), 0.5, requires_grad=True)
    for its_network, margin in ((net, 0.05), (randomized(net, scale="he"), 0.02)):
        its_score = its_network(begin_at)[0, number_of_class]
        its_share = share_of_fine(*torch.autograd.grad(its_score, begin_at))
        assert its_share > share_of_fine(white) + margin
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
    ["decay 0: noise", "decay 1", "decay 2"],
    columns=3,
)

# %% picture="09.4"
# your function in a loop: Adam turns the strengths, 60 steps for 'daisy', a random piece in each
my_draws = torch.Generator().manual_seed(0)
my_parts = [(0.01 * torch.randn(3, 128, 65, generator=my_draws)).requires_grad_() for _ in range(2)]
adam = torch.optim.Adam(my_parts, lr=0.05, maximize=True)
for _ in range(60):
    my_image = (from_frequencies(*my_parts, 1.25, 128, 128) / 4).sigmoid()[None]
    adam.zero_grad()
    net(transform(my_image, crops[:1], my_draws))[0, 985].backward()
    adam.step()
my_image = my_image.detach()
show_images(my_image, verdicts(my_image, ["daisy"]), width=2.5)

# %% [markdown]
# ## Only the phases
#
# The size of a strength is how high its wave is; its angle is the **phase**, how far the wave is shifted. Which of the two holds the picture? Oppenheim and Lim (1981) exchanged them: the heights of one picture, the phases of another.
#
# **Predict, run, explain.** Heights of an eagle, phases of a cat: which of the two will you see?

# %% [markdown] notes="1" minutes=12
# Votes first: eagle, cat, or both? Then 09.5, three lines. The room should say why: an edge is where many waves rise
# through their middle at the same place.

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
    [
        f"{name}\nnetwork: {net.predict(one.clamp(0, 1)[None])[0][0][0]}"
        for name, one in zip(
            ["eagle", "cat", "eagle's heights,\ncat's phases", "cat's heights,\neagle's phases"],
            [eagle, cat, *exchanged],
            strict=True,
        )
    ],
    columns=4,
)

# %% [markdown]
# You see the animal whose phases were taken, and so does the network: the titles have its first guess. Where waves of all lengths rise through their middle at the same place, there is an edge; where their crests meet, there is a bright line. The heights only say how much there is of each length and direction.
#
# Then it should do no great harm to give every picture the *same* heights, the mean of many photos:

# %%
# the phases of the two photos, and for both the mean heights and the mean color of the gallery's photos
by_phase = Phase(torch.cat([photo("bald_eagle"), photo("cat")]))
at_mean_heights = by_phase.images(net, by_phase.begin(net, 2, (224, 224), None), (224, 224))
show_images(at_mean_heights, ["the eagle's phases", "the cat's phases"], columns=2, width=4)


# %% claim="a network names the animal of the phases, not that of the heights; with mean heights it still does"
def place_of(image, numbers_of_classes):
    scores_of_it = net(image[None])[0]
    return (scores_of_it > scores_of_it[numbers_of_classes].max()).sum().item() + 1


animals = [net.class_index("bald eagle")], [281, 282, 283, 284, 285]  # the five house cats
two = photo("bald_eagle")[0], photo("cat")[0]
for own in range(2):
    waves_of_both = torch.polar(
        torch.fft.rfft2(two[1 - own]).abs(), torch.fft.rfft2(two[own]).angle()
    )
    mixture = torch.fft.irfft2(waves_of_both, s=(224, 224)).clamp(0, 1)
    assert place_of(mixture, animals[own]) == 1
    for with_its_phases in (mixture, at_mean_heights[own]):
        assert place_of(with_its_phases, animals[own]) <= 10
        assert not place_of(with_its_phases, animals[1 - own]) <= 20

# %% [markdown]
# So we may fix the heights, and turn only the phases. Fel et al. (2023) call this **magnitude constrained optimization** (MACO): the heights are the same for every class. Fixed heights forbid loud fine waves.
# In the course it is `Phase()`.
#
# In each step of the opening the network saw two random pieces (`CROPS`; the paper's authors take many more). An object pays where most pieces show it, and where it is stronger than the noise. (`print(PHASES)` shows the settings.)

# %%
# the first picture after its first step from random phases; and four views of its end, as the network sees them
draws = torch.Generator().manual_seed(0)
begun = visualize(net, classes[:1], **{**PHASES, "steps": 1})
views = [transform(drawn[:1], CROPS, draws)[0].clamp(0, 1) for _ in range(4)]
show_images([begun[0], *views], ["after one step", *["a view"] * 4], columns=5)

# %% [markdown]
# ## All together
#
# `visualize` puts the pieces together: what is turned (`image=Pixels()`, `Fourier()` or `Phase()`), what happens before the network sees it (`transforms=`), what is made large, which step is taken (`optimizer=`: plain ascent, or Adam, which divides each number's gradient by its own
# usual size), and what pulls the picture back (`regularizers=`). Row A of the next figure is the plain ascent of the section "A judge". B adds random pieces, and in C the optimizer is Adam (with its own size of a step). In D0 waves are turned in place of pixels: with their mixed colors, a sigmoid in place of the cut-off and their own start, but without the division by frequency (decay 0). D has the division, and nothing else is new but the size of the step that suits it. E and F turn phases, without
# pieces and with them. All have 128 pixels, the same two classes, and 80 steps. Only F has 160, since phases need more: so E and F differ in the steps, too.
#
# **Predict, run, explain.** Where does the object appear? And where do the two networks find it when it is enlarged?

# %% [markdown] notes="1" minutes=8
# Ask for a bet on one row before the cell. While it runs, read the rows aloud: what changes from each to the next? Then cover the titles, and let the
# room say where the objects begin.

# %%
# the ablation: two classes, in A to D two pictures of each (about 30 seconds)
with_adam = {"size": 128, "steps": 80, "transforms": crops}
phases = {**with_adam, "image": Phase(), "lr": 0.3}
fourier = {"image": Fourier(), "lr": 0.05}
pair = ["daisy", "hourglass"]
ablation = {
    "A  plain": plain,
    "B  plain + pieces": with_pieces,
    "C  pixels, Adam + pieces": visualize(
        net, four, **{**with_adam, "image": Pixels("noise"), "lr": 0.02}
    ),
    "D0  Fourier, decay 0": visualize(
        net, four, **{**with_adam, "image": Fourier(decay=0), "lr": 0.5}
    ),
    "D  Fourier, Adam + pieces": visualize(net, four, **{**with_adam, **fourier}),
    "E  phases, Adam": visualize(net, pair, **{**phases, "transforms": ()}),
    "F  phases, Adam + pieces": visualize(net, pair, **{**phases, "steps": 160}),
}
panels, captions = [], []
for change, images in ablation.items():
    targets = four if len(images) == 4 else pair
    numbers = torch.tensor([net.class_index(target) for target in targets])[:, None]
    sure = net(images).softmax(1).gather(1, numbers)[:, 0].tolist()
    panels += [*images]
    captions += [
        f"{change}\n{verdict.replace(',', f' ({share:.0%}),', 1)}"
        for verdict, share in zip(verdicts(images, targets), sure, strict=True)
    ]
show_images(panels, captions, columns=4, width=6.8)

# %% [markdown]
# The first line of numbers tells how the two networks see the picture as it is, with the probability that the maker gives the class. (The pieces enlarge up to two times, and so does the second line. B, C, D0, D and F have practiced what it asks, A and E have not.)
#
# - **B**: the pieces help at both sizes, but the judge names no enlarged picture first.
# - **C**: with these steps, Adam on pixels does not do it: not even the maker ranks all four first. Enlarged, the judge ranks no picture among its first ten.
# - **D0**: you can make out a daisy, but the grain is fine: about three quarters of the picture is in waves shorter than 4 pixels. To turn waves is not enough.
# - **D**: the grain is gone, less than a quarter is so fine. The judge names half of the pictures or more first, at both sizes. Colors, sigmoid, pieces, number of steps and the strengths at the start are those of D0. What is new is the division by frequency, with the size of the step that goes with it.
# - **E**: the heights are fixed, there are no pieces, and the maker is sure all the same. Would *you* name these two? Here the judge fails as well: it puts both near the top. Enlarging shows it, and so does your eye.
# - **F**: at its own size it is near the top for both networks, but so is E. Two pictures say no more: enlarged, their ranks change with the last digits of a machine. Ten classes, below, compare this row with D.

# %%
# the opening pictures and their ranks; below, the same classes in the way that the judge names best in the next table (Fourier
# with decay 1.4; stored, too)
by_fourier = torch.cat(load_image(data_file("class_pictures/fourier.png"), None).chunk(4, 3))
eight = [*drawn, *by_fourier]
show_images(eight, [*verdicts(drawn, classes), *verdicts(by_fourier, classes)], columns=4, width=8)

# %% claim="each row's sentence: B helps at both sizes, C not enlarged, D is best there, E fools the judge until enlarged"
own_size, when_enlarged = {}, {}
for label, images_of_row in ablation.items():
    its_targets = four if len(images_of_row) == 4 else pair
    own_size[label.split()[0]] = torch.tensor(ranks(judge, images_of_row, its_targets)).float()
    enlarged_row = resize(images_of_row, judge.input_size)
    when_enlarged[label.split()[0]] = torch.tensor(ranks(judge, enlarged_row, its_targets)).float()
assert own_size["B"].median() < 0.5 * own_size["A"].median()
assert when_enlarged["B"].median() < 0.5 * when_enlarged["A"].median()
assert when_enlarged["B"].min() > 1
assert when_enlarged["C"].min() > 10
stored_ranks = ranks(judge, by_fourier, classes) + ranks(net, resize(by_fourier, 260), classes)
assert max(stored_ranks) == 1
for at_one_size in (own_size, when_enlarged):
    assert (at_one_size["D"] == 1).sum() >= 2
grain = [[share_of_fine(one[None]) for one in ablation[row]] for row in list(ablation)[3:5]]
assert max(grain[1]) < 0.25  # D
assert not min(grain[0]) < 0.65  # D0: only the division is missing
assert all(when_enlarged["D"].median() < 0.5 * when_enlarged[other].median() for other in "ABCE")
numbers_of_pair = torch.tensor([net.class_index(target) for target in pair])[:, None]
assert net(ablation["E  phases, Adam"]).softmax(1).gather(1, numbers_of_pair).min() > 0.9
assert own_size["E"].max() < 20
assert not when_enlarged["E"].min() < 40
assert own_size["F"].max() < 10
assert max(ranks(net, ablation["C  pixels, Adam + pieces"], four)) > 1
assert max(ranks(net, ablation["F  phases, Adam + pieces"], pair)) < 10

# %% [markdown]
# Two classes prove little. `tests/benchmarks/bench_ascent.py` draws ten classes, from goldfish to daisy, and asks the judge, with the pictures enlarged to 260 pixels. On our machine:
#
# | what is turned, and how | transforms | judge's first choice | among its first five | median rank |
# |---|---|---|---|---|
# | pixels, plain ascent | none | 0 of 10 | 0 of 10 | 490 |
# | the same, Yosinski's four sets | none | 0, 0, 0, 0 | 0, 0, 0, 0 | 272, 488, 225, 546 |
# | pixels, plain ascent | shift, scale, rotation | 0 | 2 | 42 |
# | pixels, Adam | shift, scale, rotation | 2 | 3 | 26 |
# | pixels, Adam | pieces | 2 | 2 | 34 |
# | Fourier, Adam | none | 0 | 2 | 118 |
# | Fourier, Adam | shift, scale, rotation | 9 | 9 | 1 |
# | Fourier, Adam | pieces | 8 | 8 | 1 |
# | Fourier with decay 1.4, Adam, 192 pixels, 240 steps | shift, scale, rotation | **10** | **10** | 1 |
# | phases, Adam | pieces | 3 | 5 | 10 |
# | phases, `PHASES`: 224 pixels, 160 steps of two views | pieces | 7 | 7 | 1 |
#
# Where nothing else is said: 160 pixels, 96 steps. Yosinski's sets run without his step sizes and numbers of steps. Other machines round differently, so a rank of 300 may be 200 on yours. All pictures are judged enlarged: a picture that the judge names at its own size only, such as a blurred daisy above, counts as lost. With the same pieces, number of steps and size the Fourier coefficients win: 8 of 10, against 2 for pixels and 3 for phases. Phases need some of what `PHASES` adds, pixels, steps or the second view; we did not separate them.
#
# A person is a judge, too. Look at the eight pictures before the table: both networks name each of the lower four first. Which row is easier for *you*? `tests/benchmarks/bench_names.py` draws twenty classes with `PHASES` and writes the pictures in a random order, without names. How many can you name? (We chose the opening four among them, and where to stop, so they say nothing about the others.)

# %% [markdown]
# ## Spot the bug
#
# On a score with small gradients the picture does not change at all, however many steps you make.

# %% [markdown] notes="1" minutes=5
# Run the stub with small weights and print the picture before and after.

# %% [markdown] exercise="09.6" title="Spot the bug: a picture that does not move" points=1 difficulty=2 importance=3 minutes=6
# The score is linear, $S = \sum w\,I$, so its gradient is $w$. Run the cell, read what `check` says, and repair the loop. The function returns its numbers unrounded: rounding belongs to saving.


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

# %% uses="09.6"
# a real score is a line only nearby: w is its gradient at a photo. What the line promises, and how far the score rises
w = input_gradient(net, snapshot, "strawberry")
for length in (1e-5, 1e-4, 1e-3):  # mean change of a number; one level of a picture file is 4e-3
    there = climb(snapshot[0], w[0], 20, length / 20 / w.abs().mean().item())[None]
    promised = ((there - snapshot) * w).sum()
    rise = (net(there) - net(snapshot))[0, net.class_index("strawberry")]
    print(f"mean change {length:.0e}: promised {promised:.2f}, real {rise:.2f}")

# %% [markdown] solution="09.6"
# A step of less than 1/510 is rounded away, in every step again. Round once, when the picture is saved.

# %% [markdown]
# ## Layer by layer
#
# Not only a class can be asked what it likes to see. Here is channel 12 in each of four layers of VGG-19, by the same method everywhere. In the first row the *mean* of the channel over all positions is made large, in the second *one neuron* of it: the position in the middle. The last row is the control: the mean of channel 12 in a network with random weights.

# %% [markdown] notes="1" minutes=4
# Let the room put the columns into their order with the titles hidden. Then the last row: what is left without training?

# %%
# one column for each layer: a channel, one neuron of it, and the channel with random weights; below each, how much of it is in
# waves shorter than 4 pixels (about 12 seconds)
vgg = load_network("vgg19")
untrained = randomized(vgg, scale="he")
short = torch.hypot(torch.fft.fftfreq(72)[:, None], torch.fft.fftfreq(72)) > 1 / 4
columns, fine = [], []
for layer in ("relu1_2", "relu2_2", "relu3_1", "relu4_1"):
    unit, side = f"{layer}:12", receptive_field(vgg, layer).size[0]
    aims = ((vgg, channel(unit)), (vgg, neuron(unit)), (untrained, channel(unit)))
    row = torch.cat([visualize(network, aim, size=72, steps=28) for network, aim in aims])
    power = torch.fft.fft2(row.mean(1)).abs().square()
    power[:, 0, 0] = 0  # the mean is no wave
    fine.append(power[:, short].sum(1) / power.sum((1, 2)))
    texts = [f"{unit}\nsees {side} pixels", "one neuron", "random weights"]
    texts = [f"{text}, {share:.0%} fine" for text, share in zip(texts, fine[-1], strict=True)]
    columns.append([*zip(row, texts, strict=True)])
cells = [cell for row in zip(*columns, strict=True) for cell in row]
show_images([image for image, _ in cells], [title for _, title in cells], columns=4, width=7)

# %% [markdown]
# All pictures have 72 pixels. The title says how many pixels from side to side one place of the layer sees. Compare the first two rows: the mean over all places asks for the same thing everywhere, one neuron asks only for what it sees itself. (Its spot can be wider than that: before each step the transforms move the picture.)
# Then compare the first row with the last: is the picture of random weights finer? (White noise has about 80 %.) A smooth picture needs no training; coefficients and transforms see to it.

# %% claim="the fields grow; a channel's picture is far smoother than white noise, also with random weights"
sides = [
    receptive_field(vgg, name).size[0] for name in ("relu1_2", "relu2_2", "relu3_1", "relu4_1")
]
assert sides == sorted(sides)
assert sides[-1] < 72
assert max(shares_of_a_layer[which] for shares_of_a_layer in fine for which in (0, 2)) < 0.4
assert not short.float().mean() < 0.7  # white noise

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
pieces, sources = [], []
for name in names:
    whole = photo(name, 320, crop=False)
    for side in (112, 176):
        tiles = whole.unfold(2, side, 56).unfold(3, side, 56)  # (1, 3, rows, columns, side, side)
        pieces.append(resize(tiles.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, side, side), 112))
        sources += [name] * len(pieces[-1])
pieces = torch.cat(pieces)
responses = layer_outputs(net, pieces, ["conv_head"], batch_size=64)["conv_head"][:, 670].mean(
    (1, 2)
)
best = responses.topk(40).indices
top = pieces[best]
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
# The three pictures differ. Do they show three things that the unit knows? There is a simpler reading: each picture keeps the *color* of its start. The control: begin with one flat color, the mean of the same start. Nothing else of the cluster's photos is left.

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
    values = excitation(images)
    print(f"{name}:", [f"{value:.1f}" for value in values.tolist()], f"mean {values.mean():.1f}")
print("best pieces:     ", [f"{value:.1f}" for value in responses.topk(3).values.tolist()])
show_images(
    [*facets, *flat],
    [*["from a mean image"] * 3, *["from its flat color"] * 3],
    columns=3,
    width=6,
)

# %% [markdown]
# The control does as well. Each picture has the color of the one above it, and the unit is excited about as much (compare the means). So the colors come from the start, and three pictures that differ are no evidence for three facets.
# What this section shows is less than its name says: many different pictures excite one unit. (Nguyen et al. took hundreds of training photos for each unit. Each of our clusters comes from one photo or two.)

# %% claim="flat starts excite the unit about as much, far more than any photo; each picture has its start's color"
by_mean, by_flat = excitation(facets), excitation(flat)
assert by_flat.mean() > 0.75 * by_mean.mean()
assert by_flat.min() > 1.5 * responses.max()
assert all(len({sources[piece] for piece in best[near].tolist()}) <= 2 for near in members)
tints = [pictures_of.mean((2, 3)) for pictures_of in (facets, flat)]
assert (torch.cdist(*tints).argmin(1) == torch.arange(3)).all()

# %% [markdown]
# ## Explore
#
# Any of the 1000 classes, each helper on or off. The last result stays beside the new one; below each stands what its maker says, and the judge of the picture enlarged to 260 pixels.
#
# - Goldfish with "Only phases" on, then off; with "Frequencies" off; with "Random transforms" off, then on. When does the judge agree? When do you?
# - With "Frequencies" off, try the three regularizers one by one. Which of them take noise away, and which kind?
# - A class of your own with three seeds. What is the same in all three pictures, and what changes?

# %%
# draw any class, with each helper on or off
explorers.ClassVisualization(net)

# %% [markdown]
# ## What this picture does not show
#
# How much of a picture comes from the class, and how much from the start? Exchange the starts: in each column of the next figure both pictures begin at the same gray noise and see the same pieces, and only the class differs. (The first row shows the pictures of the second row after their first step.) Between two pictures of one class in one row only the start differs.

# %% [markdown] notes="1" minutes=4
# Cover the last row and let the room guess: what will the two pictures of a column have in common?

# %%
# row D after its first step and at its end, and the same with exchanged classes (about 8 seconds)
start = visualize(net, four, **{**with_adam, **fourier, "steps": 1})
other_way = visualize(net, four[::-1], **{**with_adam, **fourier})
begun_made_exchanged = [*start, *ablation["D  Fourier, Adam + pieces"], *other_way]
show_images(
    begun_made_exchanged,
    ["after one step"] * 4
    + [f"judge: {judge.predict(one[None])[0][0][0]}" for one in begun_made_exchanged[4:]],
    columns=4,
)

# %% claim="the judge finds the picture's own class in at least six of eight, whatever the start, the column's other class hardly ever"
both_rows = torch.cat([ablation["D  Fourier, Adam + pieces"], other_way])
own_places = ranks(judge, both_rows, four + four[::-1])
assert sum(place <= 10 for place in own_places) >= 6
assert not sum(place <= 10 for place in ranks(judge, both_rows, four[::-1] + four)) >= 2

# %% [markdown]
# - Compare the two pictures of a column: the class decides what is drawn, and here, from gray starts, most of its colors (the facets above began with a color and kept it). Compare the pictures of one class: where the thing lies, from which side it is seen, some colors, and whether it is found at all change with the start. Part of that may be last digits: we did not repeat a start.
# - How much of each wave moves in a step, and how the colors are mixed, comes from us.
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
# - The gradient at gray is nearly all fine noise. What grows from it loses much of its score when it is shifted by one pixel, and when it is enlarged even its maker has lost it.
# - Transforms and random pieces ask for what survives them; dividing by the frequency takes the fine grain out of a step; fixed heights leave only the phases, which can fool the maker as well.
# - A second network tells more than the maker's own confidence. But it is a relative, trained on the same photos, and what fools the maker may fool it, too. A person who does not know the class is another judge.
# - Another answer changes the network, not the ascent: train it on images that were changed to fool it, then climb the pixels (Santurkar et al., 2019). Nguyen et al. (2016) climb the input of a network that generates pictures. Not shown here: total variation, Olah et al.'s diversity term, and MACO's mask, which fades out what little gradient reached.
#
# **Papers.** Erhan, Bengio, Courville, Vincent: *Visualizing Higher-Layer Features of a Deep Network*, 2009. Simonyan, Vedaldi, Zisserman: *Deep Inside Convolutional Networks*, ICLR Workshop 2014. Yosinski, Clune, Nguyen, Fuchs, Lipson: *Understanding Neural Networks Through Deep Visualization*, ICML Workshop 2015. Mordvintsev, Olah, Tyka: *Inceptionism: Going Deeper into Neural Networks*, Google Research Blog 2015. Nguyen, Yosinski, Clune: *Deep Neural Networks are Easily Fooled*, CVPR 2015 (noise that a network is sure of). Nguyen, Yosinski, Clune: *Multifaceted Feature Visualization*, ICML Workshop 2016. Nguyen et al.: *Synthesizing the Preferred Inputs for Neurons in Neural Networks via Deep Generator Networks*, NeurIPS 2016. Olah, Mordvintsev, Schubert: *Feature Visualization*, Distill 2017. Oppenheim, Lim: *The Importance of Phase in Signals*, Proceedings of the IEEE 1981. Fel et al.: *Unlocking Feature Visualization for Deeper Networks with MAgnitude Constrained Optimization*, NeurIPS 2023. Santurkar et al.: *Image Synthesis with a Single (Robust) Classifier*, NeurIPS 2019.
