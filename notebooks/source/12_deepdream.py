# %% [markdown] lesson="12" title="DeepDream: what a layer sees, made visible" minutes=90 needs="07, 09"
# You will be able to: make a layer's activation grow in a picture by four lines of code; write the whole dream, with its shifts and sizes; zoom into a
# dream again and again; steer the dream by a channel, by several layers or by another picture; and say what of it comes from the weights.

# %% tags=["setup"]
import torch
from torch.nn.functional import fold, interpolate, unfold
from torchvision.transforms.functional import gaussian_blur

from course_utils import (
    check,
    explorers,
    fun,
    layer_outputs,
    load_network,
    photo,
    quiz,
    show_images,
)
from course_utils.fun import deepdream, dream_step
from course_utils.hooks import forward_to
from course_utils.networks import randomized

# %%
# the result first: a photo, and what layer relu4_4 of VGG-19 makes of it (about 20 seconds)
vgg = load_network("vgg19")
temple = photo("china", 320, crop=False)
dream = deepdream(vgg, temple, layer="relu4_4", octaves=5)
show_images([temple[0], dream[0]], ["photo", "dream"], columns=2, width=9)

# %% [markdown]
# Look at the tower, at the bushes and at the sky. Nobody painted this. The network was asked one thing: *whatever you see here, show me more of it*. You will build it
# now.

# %% [markdown] notes="1" minutes=5
# Show the picture large and let people point. Ask: "Where do the eyes come from? Are they in the photo?" Collect three guesses and come back to them at the
# last section, where the weights are random.

# %% [markdown]
# ## The idea
#
# Lesson 09 made pictures for one unit. DeepDream (Mordvintsev, Olah & Tyka, 2015) names no unit. (Its authors used GoogLeNet, you use VGG-19. The normalized step, the shifts, the sizes, the guide and the zoom below are ideas of their notebook; some of the numbers are ours.) It takes a whole layer and repeats four steps:
#
# 1. **Forward** to the layer: its activation is $a$.
# 2. **Set the gradient of the layer equal to its activation**: $\partial L / \partial a = a$.
# 3. **Backward** to the pixels: the gradient $g$.
# 4. **Update** the picture $x$: a step in the direction of $g$.
#
# Step 2 looks strange. Which quantity $L$ has the gradient $a$ with respect to $a$? The one whose derivative is $a$:
#
# $$L = \tfrac12 \sum_i a_i^2, \qquad \frac{\partial L}{\partial a_i} = a_i .$$
#
# So the dream climbs the sum of *squares*: the more active a unit is, the harder it pulls.

# %% [markdown] notes="1" minutes=4
# The four steps on the board, with one arrow up and one arrow down. Ask what is new compared with lesson 09: no unit is
# named.

# %% [markdown]
# ## In the head first
#
# A layer ends with a ReLU. Before it, three units have the numbers $z = (-1, 1, 3)$, so their activations are $a = (0, 1, 3)$. How hard does each pull at its $z$, if you ascend (a) the
# sum of $a$, (b) $\frac12$ of the sum of squares? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=13
# Three activations on paper. Ask who wins with the squares. Then the third argument of `grad`, and the exercise.

# %%
# how hard each unit pulls
z = torch.tensor([-1.0, 1.0, 3.0], requires_grad=True)
(pull_sum,) = torch.autograd.grad(z.relu().sum(), z)
(pull_squares,) = torch.autograd.grad((z.relu() ** 2).sum() / 2, z)
pull_sum, pull_squares

# %% [markdown]
# The silent unit sends nothing back in either case: its ReLU is closed. Of the other two, with the sum both pull alike, and with the squares the strong one wins.
#
# To set a layer's gradient yourself, give it to `torch.autograd.grad` as a third argument, of the layer's own shape:

# %%
# a "layer" y = 2x, and a gradient that you choose for it
x = torch.tensor([1.0, 5.0], requires_grad=True)
y = 2 * x
torch.autograd.grad(y, x, torch.tensor([10.0, 0.5]))


# %%
# a layer of VGG-19 as a function: images in, activation out (forward_to runs the network as far as this layer)
def layer(images):
    return forward_to(vgg, images, ["relu4_3"])["relu4_3"]


# %% [markdown] exercise="12.1" title="Build it: the four steps" points=3 difficulty=2 importance=5 minutes=10 own="course_utils.fun:dream_gradient"
# Here the network `net` ends at the layer: `net(images)` is the activation. Return the gradient at the pixels when the gradient at the layer is the activation
# itself. Write steps 1 to 3 as they stand above.


# %% exercise="12.1"
def dream_gradient(net, images):
    """Forward to a layer, set its gradient to its activation, go backward.

    net: net(images) gives the layer's activation (N, C, h, w); images: (N, 3, H, W)
    returns: (N, 3, H, W)
    """
    ### BEGIN SOLUTION
    pixels = images.detach().clone().requires_grad_()
    activation = net(pixels)
    (gradient,) = torch.autograd.grad(activation, pixels, activation.detach())
    return gradient
    ### END SOLUTION


check("12.1", dream_gradient)

# %% [markdown] fold="Hint"
# A copy with `requires_grad_()`, the activation of the copy, then `torch.autograd.grad(activation, copy, gradient_at_the_layer)`. The third argument is
# `activation.detach()`: the numbers of the activation, without its history.

# %% [markdown] fold="I get: grad can be implicitly created only for scalar outputs"
# The third argument is missing. Without it PyTorch needs a single number, not a layer.


# %% uses="12.1"
# the same as the gradient of half the sum of squares? (on VGG-19, up to relu4_3)
pixels = temple.clone().requires_grad_()
(by_formula,) = torch.autograd.grad((layer(pixels) ** 2).sum() / 2, pixels)
difference = (dream_gradient(layer, temple) - by_formula).abs().max() / by_formula.abs().max()
print(f"largest difference, relative: {difference:.0e}")

# %% [markdown] solution="12.1"
# `activation.detach()` is a plain tensor of numbers. If it kept its history nothing would change here, since only the second argument, the pixels, is differentiated.

# %% [markdown]
# ## How far in one step?
#
# The gradient that you found: how large is it? Here for five layers, and beside it the same gradient divided by $L$: by what *share* of itself $L$ grows, per unit of one value of a pixel, for a small change.

# %%
# the mean size of the activation, of the gradient, and of the gradient divided by L
small_temple = photo("china", 184, crop=False)
leaf = small_temple.clone().requires_grad_()
five = ["relu1_1", "relu3_3", "relu4_1", "relu5_2", "relu5_4"]
sizes = {}
print("layer    mean a  mean |g|  mean |g| / L")
for name, map_ in forward_to(vgg, leaf, five).items():
    (g,) = torch.autograd.grad(map_, leaf, map_.detach(), retain_graph=True)
    half_squares = (map_.detach() ** 2).sum() / 2
    sizes[name] = g.abs().mean(), g.abs().mean() / half_squares
    print(f"{name}  {map_.mean():6.1f}   {sizes[name][0]:.0e}     {sizes[name][1]:.0e}")

# %% [markdown]
# Deeper does not mean larger. The gradient is about two hundred times larger at relu4_1 than at relu1_1, and at relu5_4 about twenty thousand times smaller than at relu4_1. Multiply a layer
# by $c$: $g$ and $L$ both grow by $c^2$, and $g / L$ stays. Divided by $L$, all layers lie within a factor of about thirty.

# %% claim="the gradient is much larger at relu4_1 than at relu1_1, and ten thousand times larger than at relu5_4; divided by L all lie within a factor of 60"
assert sizes["relu4_1"][0] > 50 * sizes["relu1_1"][0]
assert sizes["relu4_1"][0] > 8000 * sizes["relu5_4"][0]
divided, undivided = ([size[part] for size in sizes.values()] for part in (1, 0))
assert max(divided) < 60 * min(divided)
assert not max(undivided) < 60 * min(undivided)

# %% [markdown]
# So no number of yours fits all layers, and DeepDream divides the gradient by its mean size:
#
# $$x \leftarrow x + s\,\frac{g}{\operatorname{mean}|g|} .$$
#
# Now a value changes by $s$ on average before it is cut off, for every layer and every photo. (The change is the same for all; how much $L$ gains by it is not.)

# %% [markdown] notes="1" minutes=6
# Before the table: does the gradient grow or shrink with depth? Votes. Then show the dream: what is missing?

# %% [markdown] exercise="12.2" title="The step" points=2 difficulty=1 importance=4 minutes=6 own="course_utils.fun:dream_step"
# Return the picture after one step. Cut its values off at 0 and 1. Where the gradient is 0 everywhere, the picture is only cut off.


# %% exercise="12.2"
def step(image, gradient, size):
    """One step of DeepDream.

    image, gradient: (1, 3, H, W); size: the mean change of a value, before values are cut off
    returns: (1, 3, H, W), from 0 to 1
    """
    ### BEGIN SOLUTION
    mean_size = gradient.abs().mean().clamp(min=1e-30)
    return (image + size * gradient / mean_size).clamp(0, 1)
    ### END SOLUTION


check("12.2", step)

# %% [markdown] fold="Hint"
# `gradient.abs().mean()` is one number. If it may be 0, `.clamp(min=1e-30)` keeps the division from giving 0 / 0.

# %% picture="12.2"
# your dream: 12 of your steps at one size, layer relu4_3
mine = small_temple.clone()
for _ in range(12):
    mine = step(mine, dream_gradient(layer, mine), 2 / 255)
show_images([small_temple[0], mine[0]], ["photo", "12 steps"], columns=2, width=7.5)

# %% [markdown]
# It works, and it is not beautiful yet: small things, and fine lines everywhere. Two tricks are missing: one against the blocks of the poolings, one for the size of things.
#
# ## Trick 1: jitter
#
# Up to relu4_3 there are three poolings. Each looks at fixed blocks of $2 \times 2$ positions, so a dream can fit these blocks, and these only: move it by one pixel, and the layer's answer falls by about three tenths. (You will measure this below.) The remedy is **jitter**: roll the picture by a random shift before each step and roll back
# afterwards. `roll` moves pixels in a circle; what leaves at one side comes back at the other:

# %% [markdown] notes="1" minutes=7
# Roll a sheet of paper. In the stub ask: was the gradient rolled back?

# %%
# roll by one row down and two columns to the right
square = torch.arange(12).reshape(3, 4)
square, square.roll((1, 2), (0, 1))

# %% [markdown] exercise="12.3" title="Spot the bug: the dream lands elsewhere" points=2 difficulty=2 importance=3 minutes=8 own="course_utils.optimize.transforms:Roll"
# This function takes the gradient at a rolled picture. The picture below it uses your function. Run both cells as they are, read what `check` says, repair it, and run the picture again.


# %% exercise="12.3"
def jittered_gradient(net, images, dy, dx):
    """The dream gradient, found at the picture rolled by dy rows and dx columns.

    net: net(images) gives the layer's activation; images: (N, 3, H, W); dy, dx: positive or negative
    returns: (N, 3, H, W), belonging to the pixels of `images` as they were given
    """
    ### BEGIN SOLUTION
    rolled = images.roll((dy, dx), (2, 3)).requires_grad_()
    activation = net(rolled)
    (gradient,) = torch.autograd.grad(activation, rolled, activation.detach())
    return gradient.roll((-dy, -dx), (2, 3))
    ### END SOLUTION
    ### BEGIN STUB
    # rolled = images.roll((dy, dx), (2, 3)).requires_grad_()
    # activation = net(rolled)
    # (gradient,) = torch.autograd.grad(activation, rolled, activation.detach())
    # return gradient.roll((dy, dx), (2, 3))
    ### END STUB


check("12.3", jittered_gradient)

# %% picture="12.3"
# your steps with shifts: another one, up to 16 pixels, before each step
dice = torch.Generator().manual_seed(0)
shaken = small_temple.clone()
for _ in range(12):
    dy, dx = torch.randint(-16, 17, (2,), generator=dice).tolist()
    gradient = jittered_gradient(layer, shaken, dy, dx)
    shaken = (shaken + 2 / 255 * gradient / gradient.abs().mean()).clamp(0, 1)
show_images([small_temple[0], shaken[0]], ["photo", "12 steps, jitter"], columns=2, width=7.5)

# %% [markdown] fold="Hint"
# Take a picture with one bright pixel at row 5. Rolled by `dy = 2` it stands at row 7, and so does its gradient. By how much must the gradient be rolled to come
# back to row 5?

# %% [markdown] solution="12.3"
# Rolling by `(dy, dx)` is undone by rolling by `(-dy, -dx)`. With the same sign the gradient lands twice as far away, at a place it says nothing about.

# %% [markdown]
# ## Trick 2: octaves
#
# A unit of relu4_3 sees $100 \times 100$ pixels: half the width of this photo, and all the width of a copy of 67 pixels. So dream on a small copy
# first, then on a larger one, and so on. The sizes are called **octaves**: each is a fixed factor (here 1.4; in music it is 2) times the one before.
#
# From one octave to the next something has to be enlarged, and enlarging blurs. DeepDream enlarges only the **detail**:
#
# $$\text{detail} = \text{dream} - \text{photo at this size}, \qquad \text{next start} = \text{photo at the next size} + \text{enlarged detail}.$$

# %% claim="a unit of relu4_3 sees 100 x 100 pixels"
from course_utils import receptive_field

assert receptive_field(vgg, "relu4_3").size == (100, 100)

# %% [markdown] notes="1" minutes=24
# Draw the temple three times, small to large, with one eye of the same size in each. Type 12.4 together, 12.5 is for them: it is the whole method. Votes before the
# comparison.

# %% [markdown] exercise="12.4" title="Carry the detail" points=2 difficulty=2 importance=4 minutes=8 own="course_utils.optimize.octaves:stretch"
# Return the picture with which the next octave starts: the photo at the next size plus the enlarged detail. Enlarge with
# `interpolate(picture, size=(H, W), mode="bilinear", align_corners=False)`. Leave its values as they come, also below 0 and above 1: the next step cuts them off, not this function.


# %% exercise="12.4"
def next_octave(small, dream, large):
    """The start of the next octave.

    small: the photo at this octave's size (1, 3, h, w); dream: what became of it (1, 3, h, w)
    large: the photo at the next octave's size (1, 3, H, W)
    returns: (1, 3, H, W)
    """
    ### BEGIN SOLUTION
    detail = dream - small
    return large + interpolate(detail, size=large.shape[2:], mode="bilinear", align_corners=False)
    ### END SOLUTION


check("12.4", next_octave)

# %% [markdown] fold="Hint"
# Two lines: the difference of `dream` and `small`; then `large` plus the enlarged difference. `large.shape[2:]` is the size.

# %% picture="12.4"
# your detail: 10 steps (`dream_step` is the course's 12.1 and 12.2) at half the size, and what the next octave starts with; beside it the same without your trick
height, width = small_temple.shape[2:]
half = interpolate(small_temple, size=(height // 2, width // 2), mode="bilinear", antialias=True)
first = half.clone()
for _ in range(10):
    first = dream_step(vgg, first, "relu4_3", step_size=2 / 255)
start = next_octave(half, first, small_temple)
blurred = interpolate(first, size=(height, width), mode="bilinear")
titles = ["dream at half the size", "photo + enlarged detail", "the enlarged dream"]
show_images([first[0], start[0], blurred[0]], titles, columns=3, width=9)

# %% [markdown] exercise="12.5" title="Build it: the whole dream" points=3 difficulty=3 importance=5 minutes=12 own="course_utils.optimize.octaves:through_sizes course_utils.fun:deepdream"
# Now put your functions together. For each size, the smallest first:
#
# 1. Make the photo as small as this size, always from the photo as it was given: `interpolate(photo, size=(H, W), mode="bilinear", antialias=True)`.
# 2. Start: at the first size with this small photo, later with `next_octave`.
# 3. Take one step for each shift: the jittered gradient (12.3), then `step` (12.2).
#
# The last size is that of the photo itself. Return the picture after the last step.


# %% exercise="12.5"
def whole_dream(net, photo, sizes, shifts, step_size):
    """DeepDream: steps with jitter, on one size after the other.

    net: net(images) gives the layer's activation; photo: (1, 3, H, W)
    sizes: pairs (height, width), the smallest first, the photo's own last
    shifts: pairs (dy, dx), one step for each, the same at every size; step_size: as in 12.2
    returns: (1, 3, H, W), from 0 to 1
    """
    ### BEGIN SOLUTION
    small = None
    for size in sizes:
        large = interpolate(photo, size=size, mode="bilinear", antialias=True)
        picture = large if small is None else next_octave(small, picture, large)
        for dy, dx in shifts:
            picture = step(picture, jittered_gradient(net, picture, dy, dx), step_size)
        small = large
    return picture
    ### END SOLUTION


check("12.5", whole_dream)

# %% [markdown] fold="Hint"
# Two loops, one inside of the other. From one size to the next you need two pictures: the small photo, and what became of it. At the end of the outer loop, `small = large` keeps the
# first one. At the first size there is none yet: set `small = None` before the loop.

# %% [markdown] fold="I get: the result has the wrong shape"
# The last picture has the last size of the list. Do you go through the sizes from the first to the last?

# %% picture="12.5"
# your dream: four sizes, eight steps at each (about 8 seconds)
dice = torch.Generator().manual_seed(0)
shifts = torch.randint(-16, 17, (8, 2), generator=dice).tolist()
four_sizes = [[round(side / 1.4**k) for side in small_temple.shape[2:]] for k in (3, 2, 1, 0)]
mine = whole_dream(layer, small_temple, four_sizes, shifts, 2 / 255)
show_images([small_temple[0], mine[0]], ["photo", "your dream"], columns=2, width=7.5)

# %% [markdown] solution="12.5"
# `small` and `large` are always made from the photo itself, so they are as sharp as they can be at their size. Only the detail went through all the enlargements.

# %% [markdown]
# The course's `deepdream` is your `whole_dream`. Unless a call says otherwise: four sizes with the factor 1.4, at each 10 steps of 2/255, random shifts of up to 16 pixels. Both without shifts:

# %% uses="12.5"
# your dream and the course's, on a small photo: how far apart?
tiny = photo("china", 96, crop=False)
two_sizes = [[round(side / 1.4**k) for side in tiny.shape[2:]] for k in (1, 0)]
course = deepdream(vgg, tiny, layer="relu4_3", octaves=2, steps=3, jitter=0, progress=False)
apart = (whole_dream(layer, tiny, two_sizes, 3 * [(0, 0)], 2 / 255) - course).abs().mean()
print(f"mean difference {apart:.4f}, mean change {(course - tiny).abs().mean():.4f}")

# %% claim="the exercise's dream is that of deepdream, but for rounding"
assert apart < 0.03 * (course - tiny).abs().mean()

# %% [markdown]
# **Predict, run, explain.** Below are four dreams with 20 steps each: (a) one size without jitter, (b) one size with jitter, (c) one size, without jitter, with a gradient that is *blurred* before each step, (d) four octaves with
# jitter. Which is the smoothest? Which holds the largest things? And if you move (a) and (b) by one pixel, how much of the layer's answer does each lose? Write it down, then run both cells.

# %%
# what jitter, blur and octaves do (about 15 seconds)
plain = deepdream(vgg, small_temple, layer="relu4_3", octaves=1, steps=20, jitter=0)
jitter = deepdream(vgg, small_temple, layer="relu4_3", octaves=1, steps=20)
soft = small_temple.clone()
for _ in range(20):
    g = fun.dream_gradient(vgg, soft, "relu4_3")  # your 12.1
    g = gaussian_blur(g, kernel_size=[9, 9], sigma=[1.5, 1.5])  # both in pixels
    soft = (soft + 2 / 255 * g / g.abs().mean()).clamp(0, 1)
octaves = deepdream(vgg, small_temple, layer="relu4_3", octaves=4, steps=5)
tricks = {
    "(a) one size": plain,
    "(b) jitter": jitter,
    "(c) blurred gradient": soft,
    "(d) four octaves": octaves,
}
show_images([x[0] for x in tricks.values()], list(tricks), columns=2, width=9)

# %%
# the layer's answer to (a), (b) and (c), rolled by some pixels in both directions, as a share of that to (a);
# without the outer positions: there are the border, and the seam that a roll makes
answered, by_pixels = {}, (0, 1, 2, 3, 4, 8)
for title, picture in list(tricks.items())[:3]:
    for by in by_pixels:
        seen = layer_outputs(vgg, picture.roll((by, by), (2, 3)), ["relu4_3"])["relu4_3"]
        answered[title, by] = (seen[:, :, 4:-3, 4:-3] ** 2).sum().item()
whole = answered["(a) one size", 0]
for title in list(tricks)[:3]:
    shares = " ".join(f"{by} px {answered[title, by] / whole:4.0%}  " for by in by_pixels)
    print(f"{title:21s} {shares}")

# %% [markdown]
# Dream (a) gets the largest answer, and loses about three tenths of it when it is moved by 1, 2 or 3 pixels. Moved by 8 it loses next to nothing: three poolings make blocks of $8 \times 8$ pixels, and by 4 two of the three find their blocks again. Jitter pays about a sixth of the unmoved answer,
# and what is left hardly depends on where the blocks lie: moved by one pixel, (b) is ahead of (a). The blur pays about half. To the eye (a) and (b) are much alike, (c) is the smoothest and (d) has the largest things.

# %% claim="without jitter a shift of 1 to 3 pixels costs a quarter or more, one of 8 next to nothing; jitter pays some of the answer and then no shift costs much; blur pays half, and is smooth"
unmoved = {name_of: answered[name_of, 0] for name_of in list(tricks)[:3]}
for at in (1, 2, 3):
    assert answered["(a) one size", at] < 0.78 * unmoved["(a) one size"]
    assert not answered["(b) jitter", at] < 0.85 * unmoved["(b) jitter"]
for at in (4, 8):
    assert answered["(a) one size", at] > 0.85 * unmoved["(a) one size"]
assert 0.7 * unmoved["(a) one size"] < unmoved["(b) jitter"] < 0.94 * unmoved["(a) one size"]
assert answered["(b) jitter", 1] > 1.05 * answered["(a) one size", 1]
assert (
    0.4 * unmoved["(a) one size"] < unmoved["(c) blurred gradient"] < 0.6 * unmoved["(a) one size"]
)
roughness = [
    ((x - small_temple).diff(dim=3).abs().mean() / (x - small_temple).abs().mean()).item()
    for x in tricks.values()
]
assert roughness[2] < 0.8 * min(roughness[0], roughness[1], roughness[3])

# %% [markdown] fold="Think: why does the small octave come first?"
# What is dreamed early is enlarged later, and the next octaves build on it: they give fur to a head that is already there. The other way round, reducing the picture would
# throw the fine detail away.

# %% [markdown]
# ## Shallow and deep layers
#
# **Predict, run, explain.** Four layers, from the second block to the fifth. Which one will change the colors most, which one draws lines, which one eyes and fur, and where does the form of the tower
# change?

# %% [markdown] notes="1" minutes=4
# Four layers, four answers: let the room match them before the cell.

# %%
# the same photo, four layers (about 15 seconds)
names = ["relu2_2", "relu3_3", "relu4_3", "relu5_2"]
dreams = [deepdream(vgg, small_temple, layer=name, steps=6) for name in names]
color_shares = []
for name, one in zip(names, dreams, strict=True):
    change = (one - small_temple)[0]
    color_shares.append((change - change.mean(0)).var() / change.var())
    print(f"{name}: share of color in the change (of its variance) {color_shares[-1]:.0%}")
show_images([d[0] for d in dreams], names, columns=2, width=9)

# %% [markdown]
# What changed is partly color and partly light and dark. Noise that is independent in the three colors would have a share of two thirds. In these four dreams the share falls from layer to layer, from about that to well below a half (one photo, six steps a size: no law). The rest is for your eyes: in which picture are there lines, in which eyes, and in which is the tower another building?

# %% [markdown] fold="Think: where are the lines, the eyes, the other building?"
# We see lines most in the sky of relu3_3, eyes in the bushes of relu4_3 and at its roof, and a rounder tower in relu4_3 and relu5_2. Another person may see it another way: these are words, not measurements.

# %% claim="the share of color in what changed falls, in these four dreams, from each layer to the next: from that of noise to below a half"
for drawn_with in range(3):
    of_each = torch.randn(3, 123, 184, generator=torch.Generator().manual_seed(drawn_with))
    assert 0.65 < (of_each - of_each.mean(0)).var() / of_each.var() < 0.68
assert 0.6 < color_shares[0] < 0.8
assert color_shares[-1] < 0.45
for shallow, deep in zip(color_shares, color_shares[1:], strict=False):
    assert deep < shallow

# %% [markdown]
# **Several layers at once.** Can one dream have the fine lines of relu3_3 *and* the forms of relu5_2? Adding the two $L$ does not do it: the table above says whose gradient wins. Add their **logarithms**. The gradient
# of $\log L$ is $g / L$, so growing by a tenth counts the same for both (`deepdream` does this with a list of layers):
#
# $$L_{\text{both}} = \log L_{3\_3} + \log L_{5\_2} .$$
#
# Or divide each gradient by its own mean size before you add them: **equal parts**.

# %%
# two layers together, in two ways (about 10 seconds)
two = ["relu3_3", "relu5_2"]
logarithms = deepdream(vgg, small_temple, layer=two, steps=6)
detail, parts_dice = torch.zeros_like(small_temple), torch.Generator().manual_seed(0)
for k in (3, 2, 1, 0):
    size = [round(side / 1.4**k) for side in small_temple.shape[2:]]
    base = interpolate(small_temple, size=size, mode="bilinear", antialias=True)
    equal = base + interpolate(detail, size=size, mode="bilinear")
    for dy, dx in torch.randint(-16, 17, (6, 2), generator=parts_dice).tolist():
        rolled = equal.roll((dy, dx), (2, 3))
        g = sum(g / g.abs().mean() for g in [fun.dream_gradient(vgg, rolled, n) for n in two])
        equal = (rolled + 2 / 255 * g / g.abs().mean()).clamp(0, 1).roll((-dy, -dx), (2, 3))
    detail = equal - base
together = [dreams[1], logarithms, equal, dreams[3]]
titles = ["relu3_3", "sum of logarithms", "equal parts", "relu5_2"]
energies = {
    n: (m**2).sum((1, 2, 3))
    for n, m in layer_outputs(vgg, torch.cat([small_temple, *together]), two).items()
}
grew = {n: (e[1:] / e[0]).tolist() for n, e in energies.items()}
for k, title in enumerate(titles):
    print(f"{title:18s}", *(f"  L of {n} grew {grew[n][k]:4.1f} times" for n in two))
show_images([d[0] for d in together], titles, columns=2, width=9)

# %% [markdown]
# Each layer makes the other's $L$ grow too, about twice: read the first and the last row before you judge the two between. With the logarithms the answer of relu5_2 grows as with relu5_2 alone, and that of relu3_3 a little more than there. With equal parts relu3_3 gets more. To the eye the round forms are those of relu5_2. Of relu3_3 equal parts has the red columns and the dark rings in the bushes; its long waves in the sky are in neither.

# %% claim="alone each layer's dream makes the other's L grow about twice; the two sums give both layers more than the other layer alone does, and equal parts most for relu3_3"
assert 1.6 < grew["relu3_3"][3] < 3 and 1.6 < grew["relu5_2"][0] < 3
for both_in in (1, 2):
    assert grew["relu3_3"][both_in] > 1.15 * grew["relu3_3"][3]
    assert grew["relu5_2"][both_in] > 2 * grew["relu5_2"][0]
    assert not grew["relu3_3"][both_in] > 0.95 * grew["relu3_3"][0]
assert grew["relu3_3"][2] > 1.05 * grew["relu3_3"][1]
assert grew["relu5_2"][1] > 0.85 * grew["relu5_2"][3]
assert sizes["relu3_3"][0] > 50 * sizes["relu5_2"][0]

# %% [markdown]
# ## Fall into the sky
#
# The sky of this photo is nearly plain. The loop below lets relu5_2 dream on a photo of a rocket, then takes the middle of the dream, enlarges it to full size, dreams on, and so on. This is **repeated zoom**: with small zooms and many frames it becomes a film in which you fall
# into the picture. What grows in the sky, and what is left of the rocket in the last frame?

# %% [markdown] notes="1" minutes=4
# Run it and let people wait for it: what will the sky become? Afterwards ask where the forms of the last frame come from, since hardly a pixel of the photo is left.

# %%
# repeated zoom: the middle 4/5 of the dream, enlarged, and a short dream again (half a minute)
sky = photo("rocket", 240, crop=False)
frames = [deepdream(vgg, sky, layer="relu5_2", steps=8)]
for _ in range(4):
    closer = frames[-1][:, :, 16:-16, 24:-24]  # 128 x 192 of 160 x 240
    closer = interpolate(closer, size=sky.shape[2:], mode="bilinear", align_corners=False)
    frames.append(deepdream(vgg, closer, layer="relu5_2", octaves=2, steps=4))
middle = frames[0][:, :, 47:-47, 71:-71]  # what the four zooms leave of the first dream
enlarged = interpolate(middle, size=sky.shape[2:], mode="bilinear", align_corners=False)
fall = [sky, *frames[:3], frames[4], enlarged]
titles = ["photo", "dream", "after zoom 1", "after zoom 2", "after zoom 4", "dream, only enlarged"]
show_images([frame[0] for frame in fall], titles, columns=3, width=9)

# %% [markdown]
# Already the first dream has put a face into the sky, and something like a round eye beside it. After four zooms the frame shows $(4/5)^4$, about two fifths, of its height. Compare the last two pictures: both show the same part of the dream, and only the dreams between the zooms gave it new fine lines. What else did they change, and what is left of the rocket?
#
# ## From noise, and one channel
#
# Nothing asks for a photo. From noise you see what grows from this noise. And instead of a layer you can name one channel, `"relu5_2:5"`: then only this channel's
# activation is the gradient, as in lesson 09, where you climbed one unit.

# %% [markdown] notes="1" minutes=3
# Without a photo nobody can say it was in the photo. Let people name what they see.

# %%
# from noise: the whole layer, and three single channels (about 10 seconds)
noise = 0.5 + 0.12 * torch.randn(1, 3, 112, 112, generator=torch.Generator().manual_seed(0))
units = ["relu5_2", "relu5_2:5", "relu5_2:480", "relu5_2:401"]
from_noise = [deepdream(vgg, noise.clamp(0, 1), layer=unit, octaves=3, steps=12) for unit in units]
active = layer_outputs(vgg, torch.cat(from_noise), ["relu5_2"])["relu5_2"].mean((2, 3))
print("mean activity of channel      5     480     401")
for unit, row in zip(units, active[:, [5, 480, 401]].tolist(), strict=True):
    print(f"in the dream of {unit:12s}", *(f"{value:7.0f}" for value in row))
show_images([d[0] for d in from_noise], units, columns=4, width=9)

# %% [markdown]
# What do you see in each? Write one word for each picture before you ask your neighbor. The three channels (picked because their pictures differ) started from the same noise and took the same steps: only the channel differs. Each is several times more
# active in its own picture than in the others (the table). It should be: the picture was made for it. After these few steps much is still noise.

# %% claim="each channel is more than three times as active in its own picture as in any of the other three"
for column, channel in enumerate((5, 480, 401)):
    others = [active[at, channel] for at in range(4) if at != column + 1]
    assert active[column + 1, channel] > 3 * max(others)

# %% [markdown]
# ## Guided by another picture
#
# Who decides what is dreamed? So far the photo: its strongest features grow. A **guide** picture can decide instead. Each position of the layer looks for the guide's
# position with the largest inner product (long vectors win easily), and takes *that* vector as its gradient:
#
# $$\frac{\partial L}{\partial a_p} = b_{q(p)}, \qquad q(p) = \arg\max_q \; a_p \cdot b_q, \qquad L = \sum_p \max_q \; a_p \cdot b_q .$$
#
# Here $a_p$ is the vector of all channels at position $p$ of your picture, and $b_q$ the one at position $q$ of the guide.

# %% [markdown] notes="1" minutes=10
# Ask who decides what is dreamed. For 12.6 draw both maps as lists of vectors; each looks for its best partner.

# %% [markdown] exercise="12.6" title="The guide's gradient" points=2 difficulty=3 importance=2 minutes=12 own="course_utils.fun.dream:_best_matches"
# Return the gradient for the layer. The two pictures may have different sizes.


# %% exercise="12.6"
def guide_seed(activation, guide):
    """At each position the guide's vector with the largest inner product with the activation there.

    activation: (C, h, w); guide: (C, k, l), the same layer for the guide picture
    returns: (C, h, w)
    """
    ### BEGIN SOLUTION
    here, there = activation.flatten(1), guide.flatten(1)  # one column for each position
    best = (here.T @ there).argmax(dim=1)
    return there[:, best].reshape(activation.shape)
    ### END SOLUTION


check("12.6", guide_seed)

# %% [markdown] fold="Hint"
# `activation.flatten(1)` has one column of $C$ numbers for each position. `here.T @ there` is the table of all inner products, a row for each position of your picture. `argmax`
# over the row gives a number of a column of the guide.

# %% picture="12.6"
# your guide: the temple dreams of flowers
guide = photo("flower", 160, crop=False)
wanted = layer_outputs(vgg, guide, ["relu4_3"])["relu4_3"][0]
guided = small_temple.clone()
for _ in range(12):
    pixels = guided.clone().requires_grad_()
    activation = layer(pixels)
    seed = guide_seed(activation[0].detach(), wanted)[None]
    guided = step(guided, torch.autograd.grad(activation, pixels, seed)[0], 2 / 255)
show_images([guide[0], guided[0]], ["guide", "guided dream"], columns=2, width=7.5)

# %%
# with all octaves: no guide, and three guides (about 20 seconds)
guides = {
    "flower": photo("flower", 160, crop=False),
    "dalmatian": photo("dalmatian", 160),
    "geese": photo("goose", 160),
}
unguided = deepdream(vgg, small_temple, layer="relu4_4", steps=6)
by_guide = {"no guide": unguided}
for name, one in guides.items():
    by_guide[name] = deepdream(vgg, small_temple, layer="relu4_4", guide=one, steps=6)
above = ["photo", *[f"guide: {name}" for name in guides]]
pictures = [small_temple, *guides.values(), *by_guide.values()]
show_images([x[0] for x in pictures], above + list(by_guide), columns=4, width=10)

# %% [markdown]
# The photo, the layer and the number of steps are the same in all four. What does each guide bring, and where? One answer can be counted, with the classifier EfficientNet-Lite0: how much of its answer goes to dogs? There is a dog in one of the guides only.

# %%
# how much of the answer of another network goes to dogs? (their classes stand together in ImageNet's list)
classifier = load_network("efficientnet_lite0")
categories = classifier.categories
start, end = categories.index("Chihuahua"), categories.index("Mexican hairless") + 1


def answers_of(picture):
    """The classifier's 1000 probabilities for the whole picture, pressed into its square."""
    square = interpolate(picture, size=(224, 224), mode="bilinear", antialias=True)
    with torch.no_grad():
        return classifier(square).softmax(1)[0]


dog_shares = {}
for name, picture in by_guide.items():
    said = answers_of(picture)
    dog_shares[name] = said[start:end].sum().item()
    tops = ", ".join(f"{categories[c]} {said[c]:.0%}" for c in said.topk(2).indices)
    print(f"{name:10s} dogs {dog_shares[name]:4.0%}; {tops}")

# %% [markdown]
# With the dog as a guide the classifier gives most to dogs. But it gives them more with the geese than with the flower, too, and there is no dog among the geese: more dogs in a dream need not come from a dog in the guide. (One photo of each, and one draw of the shifts: try your own guide.)

# %% claim="the classifier gives more to dogs with the guide that is a dog than without a guide or with a flower; with the geese more than with the flower; for two sets of shifts"
again = {"layer": "relu4_4", "steps": 6, "seed": 2, "progress": False}
of_other_shifts = {
    n: answers_of(deepdream(vgg, small_temple, guide=one_guide, **again))[start:end].sum().item()
    for n, one_guide in guides.items()
}
for of_dogs in (dog_shares, of_other_shifts):
    assert of_dogs["dalmatian"] > 0.3
    assert of_dogs["geese"] > 1.5 * of_dogs["flower"]
    assert not of_dogs["flower"] > 0.3
assert not dog_shares["no guide"] > 0.3

# %% [markdown]
# ## Why animals?
#
# VGG-19 was trained to tell 1000 categories apart. Count what they are. In the list of ImageNet the animals come first, and among them the breeds of dogs stand together, from *Chihuahua* to *Mexican hairless*.

# %% [markdown] notes="1" minutes=3
# A guess first: how many of the 1000 classes are dogs? Say what is counted.

# %%
# count the dogs
categories = load_network("efficientnet_lite0").categories
start, end = categories.index("Chihuahua"), categories.index("Mexican hairless") + 1
breeds = categories[start:end]
animals = categories[: categories.index("abacus")]  # the animals come first, then things from A on
print(f"{len(breeds)} of {len(categories)} categories are breeds: {', '.join(breeds[:4])}, ...")
print(f"{len(animals)} are animals, so {len(breeds) / len(animals):.0%} of the animals are dogs")

# %% [markdown]
# You may read elsewhere that 200 of the 1000 classes are dogs. Counted: 118 breeds, and 129 with wolves, foxes and wild dogs.
#
# To tell a Norfolk terrier from a Norwich terrier a network needs channels for eyes, snouts, ears and fur: this is the usual answer to "why dogs?". Nothing in this lesson tests it.
# A test would be the same network, trained on other photos. The authors of DeepDream showed one such case, a network trained on photos of places by MIT.

# %% claim="118 breeds of dogs, 129 with wolves, foxes and wild dogs"
assert len(breeds) == 118
wild_ones = set(categories[end : end + 12]) - {"hyena"}
assert {"timber wolf", "dingo", "African hunting dog", "grey fox"} < wild_ones
assert len(breeds) + len(wild_ones) == 129

# %% [markdown]
# ## Explore
#
# Choose, press Start, and press Stop when you like what you see. "Dream on" starts from the dream instead of from the photo.
#
# - One octave against four, on the same layer. How large are the things that appear?
# - Jitter 0 against 16.
# - A deep layer, and "Dream on" three times. What is left of the photo?

# %%
# dream on any photo
explorers.DeepDream(vgg)

# %% [markdown]
# ## What this picture does not show
#
# A dream is not a proof that something is in the photo, and not what "the network thinks". Two tests:
#
# 1. **Randomize the weights.** Do the new forms come from the method, or from what was learned?
# 2. **Ask a classifier** before and after. Another network, EfficientNet, has never seen VGG's layers. (It has learned from the same kind of photos, so it sees as VGG's cousin, not as a person.)

# %% [markdown] notes="1" minutes=4
# Take up the guesses of the beginning: where do the eyes come from?

# %%
# the same dream with random weights, and with four times the steps (about 20 seconds)
untrained = randomized(vgg, scale="he", seed=0)
random_dreams = [deepdream(untrained, small_temple, layer="relu4_4", steps=k) for k in (6, 24)]
tests = [small_temple, unguided, *random_dreams]
titles = ["photo", "trained", "random weights", "random, 24 steps"]
for title, net, dreamed in zip(titles[1:], [vgg, untrained, untrained], tests[1:], strict=True):
    before, after = (
        (layer_outputs(net, x, ["relu4_4"])["relu4_4"] ** 2).sum() for x in (small_temple, dreamed)
    )
    moved = (dreamed - small_temple).abs().mean()
    print(f"{title:20s} mean change of a value {moved:.3f}, L grew {after / before:.1f} times")
show_images([x[0] for x in tests], titles, columns=2, width=7.5)

# %% [markdown]
# With random weights the same six steps a size change the photo about as much, and $L$ about doubles; with the trained weights it grows more. Is the random dream only earlier on its way? With four times the steps $L$ has doubled again, and there is more of the same: colored noise and contrast, and no forms. So here (one layer, one photo) the method brings no forms of its own; the trained weights do.

# %% claim="for two draws: at nearly the same mean change random weights double L, the trained ones raise it more, and the classifier finds few animals, with four times the steps too"
trained_by = (unguided - small_temple).abs().mean()
for drawn in (0, 1):
    of_draw = randomized(vgg, scale="he", seed=drawn)
    short = random_dreams[0]
    if drawn:
        short = deepdream(of_draw, small_temple, layer="relu4_4", steps=6, progress=False)
    assert 0.8 < (short - small_temple).abs().mean() / trained_by < 1.25
    gained = [
        (layer_outputs(of_draw, x, ["relu4_4"])["relu4_4"] ** 2).sum()
        for x in (small_temple, short)
    ]
    assert 1.6 < gained[1] / gained[0] < 2.5
    assert not answers_of(short)[: len(animals)].sum() > 0.3
ends = [(layer_outputs(untrained, x, ["relu4_4"])["relu4_4"] ** 2).sum() for x in random_dreams]
assert 1.6 < ends[1] / ends[0] < 2.5
assert not answers_of(random_dreams[1])[: len(animals)].sum() > 0.3
assert answers_of(unguided)[: len(animals)].sum() > 0.5
photo_squares, dream_squares = (
    (layer_outputs(vgg, x, ["relu4_4"])["relu4_4"] ** 2).sum() for x in (small_temple, unguided)
)
assert dream_squares > 5 * photo_squares

# %% [markdown]
# The second test needs something to compare with: the change that the first dream made, all of it, at other places. **Moved:** the whole change, rolled to the right by 80 to 240 of the 320 pixels. The change stays in one piece. (Not its forms: it is dream minus photo, so it also holds the tower with a minus sign.) **Cut:** blocks of $64 \times 64$ pixels of it, shuffled. Both lose a little strength, since values are cut off at 0 and 1. So there is also a **weaker** dream: four fifths of the change, at its place. Which of the three still has animals for the classifier?


# %%
# the change of the first dream, moved as a whole, cut into blocks, and weaker
def shuffle_blocks(change, seed, side=64):
    """The same blocks of side x side pixels in a random order; a rest at the border stays as it is."""
    down, across = (length // side * side for length in change.shape[2:])
    blocks = unfold(change[:, :, :down, :across], side, stride=side)  # one column for each block
    order = torch.randperm(blocks.shape[2], generator=torch.Generator().manual_seed(seed))
    mixed = change.clone()
    mixed[:, :, :down, :across] = fold(blocks[:, :, order], (down, across), side, stride=side)
    return mixed


whole_change = dream - temple
shifts_right = (80, 120, 160, 200, 240)
elsewhere = [(temple + whole_change.roll(k, 3)).clamp(0, 1) for k in shifts_right]
cut = [(temple + shuffle_blocks(whole_change, k)).clamp(0, 1) for k in range(5)]
weaker = (temple + 0.8 * whole_change).clamp(0, 1)
kinds = {"first dream": [dream], "weaker": [weaker], "moved": elsewhere, "cut": cut}
for title, of_kind in kinds.items():
    strengths = " ".join(f"{(x - temple).abs().mean():.3f}" for x in of_kind)
    print(f"{title:12s} mean change of a value {strengths}")
shown = [dream, weaker, elsewhere[2], cut[0]]
show_images([x[0] for x in shown], list(kinds), columns=2, width=9)

# %%
# what another network says, with the whole picture pressed into its square
top, bottom = categories.index("orangutan"), categories.index("squirrel monkey") + 1
listed = {"photo": temple, "first dream": dream, "weaker": weaker}
listed |= {f"moved {k} px": one for k, one in zip(shifts_right, elsewhere, strict=True)}
listed |= {f"cut {k}": one for k, one in enumerate(cut)}
listed |= {"small dream": unguided, "random, 6 steps": random_dreams[0]}
listed |= {"random, 24 steps": random_dreams[1], "sky": sky, "sky dream": frames[0]}
animal_shares, dogs, monkeys, likely = {}, {}, {}, {}
print(f"{bottom - top} classes are monkeys and apes")
for title, picture in listed.items():
    said = answers_of(picture)
    animal_shares[title] = said[: len(animals)].sum().item()
    dogs[title] = said[start:end].sum().item()
    monkeys[title] = said[top:bottom].sum().item()
    likely[title] = said.max().item()
    shares = f"dogs {dogs[title]:4.0%}, monkeys {monkeys[title]:4.0%}"
    tops = ", ".join(f"{categories[c]} {said[c]:.0%}" for c in said.topk(2).indices)
    print(f"{title:16s} animals {animal_shares[title]:4.0%}, {shares}; {tops}")

# %% [markdown]
# Of the 1000 classes 398 are animals, so even an answer spread evenly over all classes would give 40 %. The share in the sky's dream therefore tells nothing: none of its classes is likely. In the dream of the temple the share is well above 40 %, and in the weaker dream too. Where the same change is moved or cut it is below 40 % in each of the ten cases (more than in the photo), and of the monkeys next to nothing is left. (The dogs say nothing: already in the first dream they have less than an even answer's 12 %.)
# So the classifier's animals are not in the change alone: only photo and change together, at the same place, give them. That does not show that the dream built on what was there: a dog pasted over the tower might be lost in the same way. (It may also be that what moves one network of ImageNet moves another: lesson 10. Your eyes are the second judge.)
#
# In the small dream of the temple the 18 classes of monkeys and apes get more than the 118 of dogs. So here the larger group is not the one that wins. (With other random shifts these shares change. One photo and one classifier are an example, no test of the usual answer.)

# %% claim="the classifier finds animals, beyond 40 %, in the temple's dream, also in a weaker one; not where the same change is moved as a whole or cut; in the small dream more monkeys than dogs, for two sets of shifts; in the sky no class is likely"
for key in ("first dream", "weaker", "small dream"):
    assert animal_shares[key] > 0.5 > len(animals) / len(categories)
reshifted = deepdream(vgg, small_temple, layer="relu4_4", steps=6, seed=2, progress=False)
for of_small in (answers_of(unguided), answers_of(reshifted)):
    assert of_small[top:bottom].sum() > 1.3 * of_small[start:end].sum()
controls = [key for key in listed if key.startswith(("moved", "cut"))]
assert len(controls) == 10
for key in controls:
    assert not animal_shares[key] > 0.4
    assert not monkeys[key] + dogs[key] > 0.35 * (monkeys["first dream"] + dogs["first dream"])
    assert animal_shares[key] > 1.3 * animal_shares["photo"]
weak = (weaker - temple).abs().mean()
assert weak < min((x - temple).abs().mean() for x in elsewhere + cut)
assert likely["sky dream"] < 0.1
assert not likely["sky"] < 0.1

# %% [markdown]
# Other limits, in one sentence each:
#
# - The picture depends on step, jitter, octaves and start as much as on the layer: a dream illustrates a layer, it does not measure it.
# - The strongest units win and grow; a silent unit has no pull of its own; it appears only if the others wake it.
# - "More of the same" is no explanation of a decision. For that use lessons 06 and 07.

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=3
# By show of hands, one question at a time.

# %%
# four questions, with an explanation for every answer
quiz("12")

# %% [markdown]
# ## Summary
#
# - Forward to a layer, set its gradient to its activation, backward, update: gradient ascent on $\frac12\sum a^2$.
# - Divide the gradient by its mean size; with jitter the dream does not fit the blocks of the poolings; octaves carry the detail and keep the photo sharp.
# - Layer and photo decide what is drawn. One channel, several layers or a guide picture steer the dream.
# - The forms come from the trained weights: with random weights (one layer, one photo) the same steps, and four times as many, made colored noise. The same change at another place gets less than half of the animal share: photo and change belong together.
#
# **Papers.** Mordvintsev, Olah, Tyka: *Inceptionism: Going Deeper into Neural Networks*, Google Research Blog 2015, with [the notebook](https://github.com/google/deepdream). Olah, Mordvintsev, Schubert: *Feature Visualization*, Distill 2017.
