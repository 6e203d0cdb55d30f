# %% [markdown] lesson="12" title="DeepDream: what a layer sees, made visible" minutes=90 needs="07, 09"
# You will be able to: make a layer's activation grow in a picture by four lines of code; write the whole dream, with its shifts and sizes; zoom into a
# dream again and again; steer the dream by a channel, by several layers or by another picture; and say what of it comes from the weights.

# %% tags=["setup"]
import torch
from torch.nn.functional import interpolate
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
# Lesson 09 made pictures for one unit. DeepDream (Mordvintsev, Olah & Tyka, 2015) names no unit. (Its authors used GoogLeNet, you use VGG-19. The step size, the shifts, the sizes, the guide and the zoom below are from their notebook.) It takes a whole layer and repeats four steps:
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
# The gradient that you found: how large is it? Here for eleven layers, and beside it the same gradient divided by $L$, which says by what *share* of itself $L$ grows if one value of one pixel grows by 1.

# %%
# the mean size of the activation, of the gradient, and of the gradient divided by L
small_temple = photo("china", 184, crop=False)
leaf = small_temple.clone().requires_grad_()
eleven = "relu1_1 relu2_2 relu3_1 relu3_3 relu4_1 relu4_3 relu4_4 relu5_1 relu5_2 relu5_3 relu5_4"
sizes = {}
print("layer    mean a  mean |g|  mean |g| / L")
for name, map_ in forward_to(vgg, leaf, eleven.split()).items():
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
# Now a pixel changes by $s$ on average, for every layer and every photo. (The change is the same for all; how much $L$ gains by it is not.)

# %% [markdown] notes="1" minutes=6
# Before the table: does the gradient grow or shrink with depth? Votes. Then show the dream: what is missing?

# %% [markdown] exercise="12.2" title="The step" points=2 difficulty=1 importance=4 minutes=6 own="course_utils.fun:dream_step"
# Return the picture after one step. Cut its values off at 0 and 1. Where the gradient is 0 everywhere, the picture stays as it is.


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
# It works, and it is not beautiful yet: small things, and fine lines everywhere. Two tricks are missing: one against the blocks of the poolings, one for the size of things. (The fine lines are a third matter: see the blurred gradient below.)
#
# ## Trick 1: jitter
#
# Up to relu4_3 there are three poolings. Each looks at fixed blocks of $2 \times 2$ positions, so a dream can fit these blocks, and these only: move it by one pixel, and the layer sees much less of it. (You will measure this below.) The remedy is **jitter**: roll the picture by a random shift before each step and roll back
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
# your detail: 10 steps at half the size, and what the next octave starts with; beside it the same without your trick
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
# **Predict, run, explain.** Below are four dreams with 20 steps each: (a) one size without jitter, (b) one size with jitter, (c) one size, without jitter, with a gradient that is *blurred* before each step, (d) four octaves with
# jitter. Which is the smoothest? Which holds the largest things? And if you move (a) and (b) by one pixel, which of them does the layer still like? Write it down, then run both cells.

# %%
# what jitter, blur and octaves do (about 15 seconds)
plain = deepdream(vgg, small_temple, layer="relu4_3", octaves=1, steps=20, jitter=0)
jitter = deepdream(vgg, small_temple, layer="relu4_3", octaves=1, steps=20)
soft = small_temple.clone()
for _ in range(20):
    g = gaussian_blur(fun.dream_gradient(vgg, soft, "relu4_3"), [9, 9], [1.5, 1.5])
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
# the layer's answer to each dream, rolled by 0, 1, 3 and 8 pixels in both directions, as a share of that to (a)
answered = {}
rows = {"the photo": small_temple} | tricks
for title, picture in rows.items():
    for by in (0, 1, 3, 8):
        seen = layer_outputs(vgg, picture.roll((by, by), (2, 3)), ["relu4_3"])["relu4_3"]
        answered[title, by] = ((seen**2).sum() / 2).item()
whole = answered["(a) one size", 0]
for title in rows:
    shares = " ".join(f"{by} px {answered[title, by] / whole:4.0%}  " for by in (0, 1, 3, 8))
    print(f"{title:21s} {shares}")

# %% [markdown]
# Dream (a) gets the largest answer, and loses about a third of it when it is moved by one pixel, or three. Moved by 8 pixels it loses less: three poolings make blocks of $8 \times 8$ pixels. (Rolling by itself changes the answer a little too: see the photo's row.) Jitter pays some of the answer,
# and what is left hardly depends on where the blocks lie. To the eye (a) and (b) are much alike, (c) is the smoothest and (d) has the largest things. What smoothness costs: compare the first numbers of (a) and (c). Do not compare those of (d): of its twenty steps only five were at the full size.
#
# In the sky of many dreams there is a grid of lines and dots. This lesson does not test where it comes from.

# %% claim="without jitter a shift of 1 or 3 pixels costs a quarter of the answer or more, more than one of 8; with jitter it costs nearly nothing; all dreams get more than the photo"
lost = {name_of: answered[name_of, 0] for name_of in ("(a) one size", "(b) jitter")}
for at in (1, 3):
    assert answered["(a) one size", at] < 0.75 * lost["(a) one size"]
    assert answered["(b) jitter", at] > 0.9 * lost["(b) jitter"]
assert answered["(a) one size", 8] > 1.1 * answered["(a) one size", 1]
assert not answered["(b) jitter", 8] > 1.1 * answered["(b) jitter", 1]
assert answered["the photo", 0] < 0.5 * min(answered[title, 8] for title in tricks)

# %% [markdown] fold="Think: why does the small octave come first?"
# What is dreamed early is enlarged later, and the next octaves build on it: they give fur to a head that is already there. The other way round, reducing the picture would
# throw the fine detail away.

# %% [markdown]
# ## Shallow and deep layers
#
# **Predict, run, explain.** Four layers, from the second block to the fifth. Which one will draw colors, which one lines, which one eyes and fur, and which one will change the form of the
# tower?

# %% [markdown] notes="1" minutes=4
# Four layers, four answers: let the room match them before the cell.

# %%
# the same photo, four layers (about 15 seconds)
names = ["relu2_2", "relu3_3", "relu4_3", "relu5_2"]
dreams = [deepdream(vgg, small_temple, layer=name, steps=6) for name in names]
color_shares = []
for name, one in zip(names, dreams, strict=True):
    change = (one - small_temple)[0]
    color_shares.append((change - change.mean(0)).std() / change.std())
    print(f"{name}: share of color in the change {color_shares[-1]:.0%}")
show_images([d[0] for d in dreams], names, columns=2, width=9)

# %% [markdown]
# What changed is partly color and partly light and dark. In these four dreams the share of color falls from layer to layer (one photo, six steps a size: no law). The rest is for your eyes: in which picture are there lines, in which eyes, and in which is the tower another building?

# %% [markdown] fold="Think: where are the lines, the eyes, the other building?"
# We see lines most in the sky of relu3_3, eyes in the bushes of relu4_3 and at its roof, and a round tower in relu5_2. Another person may see it another way: these are words, not measurements.

# %% claim="the share of color in what changed falls, in these four dreams, from each layer to the next"
for shallow, deep in zip(color_shares, color_shares[1:], strict=False):
    assert deep < shallow

# %% [markdown]
# **Several layers at once.** Can one dream have the fine lines of relu3_3 *and* the forms of relu5_2? Adding the two $L$ does not do it: the table above says whose gradient wins. Add their **logarithms**. The gradient
# of $\log L$ is $g / L$, so growing by a tenth counts the same for both:
#
# $$L_{\text{both}} = \log L_{3\_3} + \log L_{5\_2} .$$
#
# `deepdream` does this when you give it a list of layers.

# %%
# two layers together (about 5 seconds)
both = deepdream(vgg, small_temple, layer=["relu3_3", "relu5_2"], steps=6)
pair = {n: fun.dream_gradient(vgg, small_temple, n).flatten() for n in ("relu3_3", "relu5_2")}
energies = {n: (m**2).sum() / 2 for n, m in layer_outputs(vgg, small_temple, list(pair)).items()}
sums = {
    "plain sum": sum(pair.values()),
    "sum of logarithms": sum(pair[n] / energies[n] for n in pair),
}
cosines = {}
for title, summed in sums.items():
    for n, g in pair.items():
        cosines[title, n] = torch.cosine_similarity(summed, g, dim=0).item()
        print(f"gradient of the {title}: cosine with that of {n} {cosines[title, n]:.2f}")
three_dreams = [dreams[1][0], both[0], dreams[3][0]]
show_images(three_dreams, ["relu3_3", "both", "relu5_2"], columns=3, width=9)

# %% [markdown]
# To the eye the answer is: a little. The forms are those of relu5_2; of relu3_3 there are some colored rings in the bushes. The cosines say it of the first step: the plain sum goes the way of relu3_3, and the sum of logarithms goes mostly the way of relu5_2, with a part of relu3_3. The logarithms bring the two within a factor of a few, not to the same strength: look at the last column of the table above.

# %% claim="the gradient of the plain sum is that of relu3_3; that of the sum of logarithms has more of relu5_2, and a part of relu3_3"
assert cosines["plain sum", "relu3_3"] > 0.95
assert not cosines["sum of logarithms", "relu3_3"] > 0.95
assert cosines["sum of logarithms", "relu5_2"] > 1.2 * cosines["sum of logarithms", "relu3_3"]
assert cosines["sum of logarithms", "relu3_3"] > 0.38
assert not cosines["plain sum", "relu5_2"] > 0.38
assert (
    1.5 < sizes["relu5_2"][1] / sizes["relu3_3"][1] < 6 < sizes["relu3_3"][0] / sizes["relu5_2"][0]
)

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
titles = ["photo", "dream", *[f"after zoom {k}" for k in (1, 2, 3, 4)]]
show_images([sky[0], *[frame[0] for frame in frames]], titles, columns=3, width=9)

# %% [markdown]
# Already the first dream has put a face into the sky, and something like a round eye beside it. The zooms enlarge them, and the dreams between keep them sharp. Of the rocket a bright line is left. After four zooms the frame shows $(4/5)^4$, about two fifths, of the height of the photo; for new forms you need more zooms.
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
show_images([d[0] for d in from_noise], units, columns=4, width=9)

# %% [markdown]
# What do you see in each? Write one word for each picture before you ask your neighbor. The three channels (picked because their pictures differ) started from the same noise and took the same steps: only the channel differs. Each of them is several times more
# active in its own picture than in the others. It should be: the picture was made for it. After these few steps much is still noise.

# %% claim="each channel is more than three times as active in its own picture as in any of the other three"
answers = layer_outputs(vgg, torch.cat(from_noise), ["relu5_2"])["relu5_2"].mean((2, 3))[
    :, [5, 480, 401]
]
for column in range(3):
    others = [answers[row, column] for row in range(4) if row != column + 1]
    assert answers[column + 1, column] > 3 * max(others)

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

# %% [markdown] exercise="12.6" title="The guide's gradient" points=2 difficulty=3 importance=2 minutes=12 own="course_utils.fun.deepdream:_best_matches"
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
for _ in range(10):
    pixels = guided.clone().requires_grad_()
    activation = layer(pixels)
    seed = guide_seed(activation[0].detach(), wanted)[None]
    guided = step(guided, torch.autograd.grad(activation, pixels, seed)[0], 2.5 / 255)
show_images([guide[0], guided[0]], ["guide", "guided dream"], columns=2, width=7.5)

# %%
# with all octaves: no guide, and three guides, each in a corner of its dream (about 20 seconds)
guides = [photo("flower", 160, crop=False), photo("strawberry", 144), photo("dalmatian", 160)]
unguided = deepdream(vgg, small_temple, layer="relu4_4", steps=6)
by_guide = [deepdream(vgg, small_temple, layer="relu4_4", guide=one, steps=6) for one in guides]
with_guides = [unguided[0]]
for one, dreamed in zip(guides, by_guide, strict=True):
    shown = dreamed[0].clone()
    shown[:, :32, -32:] = interpolate(one, size=(32, 32), mode="bilinear", antialias=True)[0]
    with_guides.append(shown)
titles = ["no guide", "flower", "strawberry", "dalmatian"]
show_images(with_guides, titles, columns=2, width=9)

# %% [markdown]
# The photo, the layer and the number of steps are the same in all four. At the start fewer than a third of a guide's positions are chosen at all; with the lengths divided out there would be more. What does each guide bring, and where? Two answers can be counted, with the classifier EfficientNet-Lite0: how much of its answer goes to dogs, and how much to the class *strawberry*? (One photo, one dog: try your own guide.)

# %%
# how much of the answer of another network goes to dogs, and to strawberries? (the dogs' classes stand together in ImageNet's list)
classifier = load_network("efficientnet_lite0")
categories = classifier.categories
start, end = categories.index("Chihuahua"), categories.index("Mexican hairless") + 1


def answers_of(picture):
    """The classifier's 1000 probabilities for the whole picture, pressed into its square."""
    square = interpolate(picture, size=(224, 224), mode="bilinear", antialias=True)
    with torch.no_grad():
        return classifier(square).softmax(1)[0]


dog_shares, berry_shares = [], []
for name, picture in zip(titles, (unguided, *by_guide), strict=True):
    said = answers_of(picture)
    dog_shares.append(said[start:end].sum().item())
    berry_shares.append(said[categories.index("strawberry")].item())
    print(f"{name:10s} dogs {dog_shares[-1]:4.0%}, strawberry {berry_shares[-1]:4.0%}")

# %% claim="fewer than a third of a guide's positions are chosen; with the lengths divided out, more"
looks = layer_outputs(vgg, small_temple, ["relu4_4"])["relu4_4"][0].flatten(1)
for each_guide in guides:
    offered = layer_outputs(vgg, each_guide, ["relu4_4"])["relu4_4"][0].flatten(1)
    chosen, by_angle = (
        (looks.T @ v).argmax(1).unique().numel()
        for v in (offered, offered / offered.norm(dim=0).clamp(min=1e-9))
    )
    assert chosen < 0.33 * offered.shape[1]
    assert by_angle > 1.3 * chosen

# %% [markdown]
# With the dog as a guide the classifier sees dogs. With the strawberries it sees hardly a strawberry, though your eyes may.

# %% claim="the classifier sees dogs with the guide that is a dog, and not without a guide, or with another one; it sees no strawberry in any"
assert max(berry_shares) < 0.1
assert dog_shares[3] > 0.3
for other in dog_shares[:3]:
    assert not other > 0.3

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
breeds, wild = categories[start:end], categories[end : end + 7] + categories[end + 8 : end + 12]
animals = categories[: categories.index("abacus")]  # the animals come first, then things from A on
print(f"{len(breeds)} of {len(categories)} categories are breeds: {', '.join(breeds[:4])}, ...")
print(f"{len(wild)} more are wild: {', '.join(wild)}")
print(f"{len(animals)} are animals, so {len(breeds) / len(animals):.0%} of the animals are dogs")

# %% [markdown]
# So 118 of the 1000 classes are dogs, or 129 with wolves, foxes and wild dogs.
#
# To tell a Norfolk terrier from a Norwich terrier a network needs channels for eyes, snouts, ears and fur: this is the usual answer to "why dogs?". Nothing in this lesson tests it, and the count alone does not explain what grows: see the monkeys in the last table.
# A test would be the same network, trained on other photos. The authors of DeepDream showed one such case, a network trained on photos of places by MIT.

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
# the same dream with random weights, drawn twice (about 10 seconds)
nothing = [randomized(vgg, scale="he", seed=seed) for seed in (0, 1)]
random_dreams = [deepdream(one, small_temple, layer="relu4_4", steps=6) for one in nothing]
tests = [small_temple, unguided, *random_dreams]
titles = ["photo", "trained", "random weights", "other random weights"]
for title, net, dreamed in zip(titles[1:], [vgg, *nothing], tests[1:], strict=True):
    before, after = (
        (layer_outputs(net, x, ["relu4_4"])["relu4_4"] ** 2).sum() for x in (small_temple, dreamed)
    )
    moved = (dreamed - small_temple).abs().mean()
    print(f"{title:20s} mean change of a value {moved:.3f}, L grew {after / before:.1f} times")
show_images([x[0] for x in tests], titles, columns=2, width=7.5)

# %% [markdown]
# With random weights (two draws, one layer) the same steps change the photo about as much, and $L$ about doubles (with the trained weights it grows more). What they add is colored noise and contrast, and no forms appear. So here the method brings no forms of its own; the trained weights do.

# %% claim="at nearly the same mean change, random weights raise L, the trained ones more, and the classifier finds few animals"
for untrained, its_dream in zip(nothing, random_dreams, strict=True):
    ratio = (its_dream - small_temple).abs().mean() / (unguided - small_temple).abs().mean()
    assert 0.8 < ratio < 1.25
    gained = [
        (layer_outputs(untrained, x, ["relu4_4"])["relu4_4"] ** 2).sum()
        for x in (small_temple, its_dream)
    ]
    assert gained[1] > 1.5 * gained[0]
    assert not gained[1] > 4 * gained[0]
    assert not answers_of(its_dream)[: len(animals)].sum() > 0.3
assert answers_of(unguided)[: len(animals)].sum() > 0.5
photo_squares, dream_squares = (
    (layer_outputs(vgg, x, ["relu4_4"])["relu4_4"] ** 2).sum() for x in (small_temple, unguided)
)
assert dream_squares > 4 * photo_squares

# %% [markdown]
# The second test needs something to compare with: a change about as strong as that of the first dream, without its forms. Here are two. **Waves elsewhere:** the change is a sum of waves, and each is moved by a random amount, the same for all three colors. **Blocks elsewhere:** the change is cut into blocks of $16 \times 16$ pixels, which are shuffled. Each is drawn five times.


# %%
# the change of the first dream, with its waves or its blocks at other places
def move_waves(change, seed):
    """The same waves, as strong as before: a random phase for each, the same for all three colors."""
    of_noise = torch.randn(change.shape[2:], generator=torch.Generator().manual_seed(seed))
    turn = torch.fft.rfft2(of_noise)
    turn = turn / turn.abs()
    turn[0, 0] = 1  # the mean color stays
    return torch.fft.irfft2(torch.fft.rfft2(change) * turn, s=change.shape[2:])


def move_blocks(change, seed, side=16):
    """The same blocks of side x side pixels in a random order; a rest at the border stays as it is."""
    down, across = (length // side for length in change.shape[2:])
    inner = change[:, :, : down * side, : across * side]
    blocks = inner.reshape(3, down, side, across, side).transpose(2, 3).flatten(1, 2)
    order = torch.randperm(down * across, generator=torch.Generator().manual_seed(seed))
    mixed = blocks[:, order].reshape(3, down, across, side, side).transpose(2, 3)
    moved = change.clone()
    moved[:, :, : down * side, : across * side] = mixed.reshape(inner.shape)
    return moved


by_waves = [(temple + move_waves(dream - temple, k)).clamp(0, 1) for k in range(5)]
by_blocks = [(temple + move_blocks(dream - temple, k)).clamp(0, 1) for k in range(5)]
three = [dream[0], by_waves[0][0], by_blocks[0][0]]
show_images(three, ["first dream", "waves elsewhere", "blocks elsewhere"], columns=3, width=9)

# %%
# what another network says, with the whole picture pressed into its square
top, bottom = categories.index("orangutan"), categories.index("squirrel monkey") + 1
pictures = dict(zip(titles, tests, strict=True))
pictures |= {"first dream": dream, "sky": sky, "sky dream": frames[0]}
pictures |= {f"waves elsewhere {k}": one for k, one in enumerate(by_waves)}
pictures |= {f"blocks elsewhere {k}": one for k, one in enumerate(by_blocks)}
animal_shares, dogs, monkeys, likely = {}, {}, {}, {}
print(f"{bottom - top} classes are monkeys and apes")
for title, picture in pictures.items():
    said = answers_of(picture)
    animal_shares[title] = said[: len(animals)].sum().item()
    dogs[title] = said[start:end].sum().item()
    monkeys[title] = said[top:bottom].sum().item()
    likely[title] = said.max().item()
    shares = f"dogs {dogs[title]:4.0%}, monkeys {monkeys[title]:4.0%}"
    tops = ", ".join(f"{categories[c]} {said[c]:.0%}" for c in said.topk(2).indices)
    print(f"{title:20s} animals {animal_shares[title]:4.0%}, {shares}; {tops}")

# %% [markdown]
# Of the 1000 classes 398 are animals, so even an answer spread evenly over all classes would give 40 %. The share in the sky's dream therefore tells nothing: none of its classes is likely. In the two dreams of the temple the share is well above 40 %. With the waves or the blocks of the first dream elsewhere it is below a third in each of the ten draws: so the
# classifier does not find animals in every change of this strength, nor in small blocks of the dream: the blocks must be in their places. (It may also be that what moves one network of ImageNet moves another: lesson 10. Your eyes are the second judge.)
#
# In the two dreams of the temple the 18 classes of monkeys and apes get more than the 118 of dogs. So how many classes a group has does not alone say what grows.

# %% claim="the classifier finds animals, beyond 40 %, in the temple's dreams, and more monkeys than dogs; not with the first dream's waves or blocks elsewhere; in the sky no class is likely"
for key in ("first dream", "trained"):
    assert animal_shares[key] > 0.5 > len(animals) / len(categories)
    assert monkeys[key] > 1.3 * dogs[key]
elsewhere = [key for key in pictures if "elsewhere" in key]
assert len(elsewhere) == 10
for key in elsewhere:
    assert not animal_shares[key] > 0.33
for control in by_waves + by_blocks:
    assert (control - temple).abs().mean() > 0.75 * (dream - temple).abs().mean()
assert likely["sky dream"] < 0.1
assert not likely["sky"] < 0.1

# %% [markdown]
# Other limits, in one sentence each:
#
# - The picture depends on step, jitter, octaves and start as much as on the layer: a dream illustrates a layer, it does not measure it.
# - The strongest units win and grow; a silent unit has no pull of its own; it appears only if the others wake it. (Of the numbers of relu5_2 that are 0 for the rocket, about a fifth are awake in its dream.)
# - "More of the same" is no explanation of a decision. For that use lessons 06 and 07.

# %% claim="of the numbers of relu5_2 that are 0 for the rocket, about a fifth are above 0 in its dream"
asleep, later = (layer_outputs(vgg, x, ["relu5_2"])["relu5_2"] for x in (sky, frames[0]))
assert 0.15 < (later[asleep == 0] > 0).float().mean() < 0.25

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
# - The forms come from the trained weights: with random weights the same steps made colored noise.
#
# **Papers.** Mordvintsev, Olah, Tyka: *Inceptionism: Going Deeper into Neural Networks*, Google Research Blog 2015, with the notebook at github.com/google/deepdream. Olah, Mordvintsev,
# Schubert: *Feature Visualization*, Distill 2017.
