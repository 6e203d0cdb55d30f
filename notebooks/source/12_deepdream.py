# %% [markdown] lesson="12" title="DeepDream: what a layer sees, made visible" minutes=70 needs="07, 09"
# You will be able to: make a layer's activation grow in a picture by four lines of code; choose the step, the shifts and the sizes that make the
# dream beautiful; steer it by a channel or by another picture; and say why dogs appear where there are none.

# %% tags=["setup"]
import torch
from torch.nn.functional import interpolate

from course_utils import check, explorers, layer_outputs, load_network, photo, quiz, show_images
from course_utils.fun import deepdream, dream_step
from course_utils.hooks import forward_to
from course_utils.networks import randomized

# %%
# the result first: a photo, and what layer relu5_2 of VGG-19 makes of it (about 10 seconds)
vgg = load_network("vgg19")
temple = photo("china", 224, crop=False)
dream = deepdream(vgg, temple, layer="relu5_2")
show_images([temple[0], dream[0]], ["photo", "dream"], columns=2, width=8.5)

# %% [markdown]
# Look at the bushes and at the roofs. Nobody painted this. The network was asked one thing: *whatever you see here, show me more of it*. You will build it
# now.

# %% [markdown] notes="1" minutes=5
# Show the picture large and let people point. Ask: "Where does the animal come from? Is it in the photo?" Collect three guesses and come back to them at the
# count of categories.

# %% [markdown]
# ## The idea
#
# Lesson 09 made pictures for one unit. DeepDream (Mordvintsev, Olah & Tyka, 2015) names no unit. It takes a whole layer and repeats four steps:
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
# So the dream climbs the sum of *squares*. A unit that is active already pulls hardest: a faint likeness becomes a strong one.

# %% [markdown] notes="1" minutes=4
# The four steps on the board, with one arrow up and one arrow down. Ask what is new compared with lesson 09: no unit is
# named.

# %% [markdown]
# ## In the head first
#
# A layer has three units with activations $a = (0, 1, 3)$. Each grows by the same small amount for the same effort. How much does each pull, if you ascend (a) the
# sum of $a$, (b) $\frac12$ of the sum of squares? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=13
# Three activations on paper. Ask who wins with the squares. Then the third argument of `grad`, and the exercise.

# %%
# how hard each unit pulls
a = torch.tensor([0.0, 1.0, 3.0], requires_grad=True)
(pull_sum,) = torch.autograd.grad(a.sum(), a)
(pull_squares,) = torch.autograd.grad((a**2).sum() / 2, a)
pull_sum, pull_squares

# %% [markdown]
# With the sum all pull alike, the silent unit as well. With the squares the strong one wins.
#
# To set a layer's gradient yourself, give it to `torch.autograd.grad` as a third argument, of the layer's own shape:

# %%
# a "layer" y = 2x, and a gradient that you choose for it
x = torch.tensor([1.0, 5.0], requires_grad=True)
y = 2 * x
torch.autograd.grad(y, x, torch.tensor([10.0, 0.5]))


# %%
# a layer of VGG-19 as a function: images in, activation out
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
# The gradients of two layers may differ by a factor of thousands: in VGG-19 that of relu3_3 is large, that of relu5_4 ten thousand times smaller. DeepDream divides it by its mean size:
#
# $$x \leftarrow x + s\,\frac{g}{\operatorname{mean}|g|} .$$
#
# Now a pixel changes by $s$ on average, for every layer and every photo. One step size fits all.

# %% [markdown] notes="1" minutes=6
# Ask why one step size should fit all layers. Show the dream, and let the room find the grid in the sky.

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
# your dream: 20 of your steps at one size, layer relu4_3
mine = temple.clone()
for _ in range(20):
    mine = step(mine, dream_gradient(layer, mine), 2 / 255)
show_images([temple[0], mine[0]], ["photo", "20 steps"], columns=2, width=7.5)

# %% [markdown]
# It works, and it is not beautiful yet: small whirls everywhere, and a grid in the sky. Two tricks are missing.
#
# ## Trick 1: jitter
#
# Poolings look at fixed blocks of pixels, so the pattern sticks to a grid. The remedy: roll the picture by a random shift before each step and roll back
# afterwards. `roll` moves pixels in a circle; what leaves at one side comes back at the other:

# %% [markdown] notes="1" minutes=7
# Roll a sheet of paper. In the stub ask: was the gradient rolled back?

# %%
# roll by one row down and two columns to the right
square = torch.arange(12).reshape(3, 4)
square, square.roll((1, 2), (0, 1))

# %% [markdown] exercise="12.3" title="Spot the bug: the dream walks away" points=2 difficulty=2 importance=3 minutes=8 own="course_utils.optimize.transforms:Roll"
# This function takes the gradient at a rolled picture. With it the dream smears over the photo. Run the cell as it is, read what `check` says, and repair it.


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

# %% [markdown] fold="Hint"
# Take a picture with one bright pixel at row 5. Rolled by `dy = 2` it stands at row 7, and so does its gradient. By how much must the gradient be rolled to come
# back to row 5?

# %% [markdown] solution="12.3"
# Rolling by `(dy, dx)` is undone by rolling by `(-dy, -dx)`. With the same sign the gradient lands twice as far away, at a place it says nothing about.

# %% [markdown]
# ## Trick 2: octaves
#
# A filter has a fixed size in pixels. In a *small* picture of the temple an eye of 30 pixels covers half a roof; in a large one it is a detail. So dream on a small copy
# first, then on a larger one, and so on. The sizes are called **octaves**.
#
# From one octave to the next something has to be enlarged, and enlarging blurs. DeepDream enlarges only the **detail**:
#
# $$\text{detail} = \text{dream} - \text{photo at this size}, \qquad \text{next start} = \text{photo at the next size} + \text{enlarged detail}.$$

# %% [markdown] notes="1" minutes=12
# Draw the temple three times, small to large, with one eye of the same size in each. Votes before the comparison.

# %% [markdown] exercise="12.4" title="Carry the detail" points=2 difficulty=2 importance=4 minutes=8 own="course_utils.optimize.octaves:through_sizes course_utils.fun:deepdream"
# Return the picture with which the next octave starts. Enlarge with
# `interpolate(picture, size=(H, W), mode="bilinear", align_corners=False)`. Do not cut off its values: the next step does that.


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
# your two octaves: 10 steps at two thirds of the size, 10 steps at full size
height, width = temple.shape[2:]
small = interpolate(temple, size=(height * 2 // 3, width * 2 // 3), mode="bilinear", antialias=True)
first = small.clone()
for _ in range(10):
    first = dream_step(vgg, first, "relu4_3", step_size=2 / 255)
second = next_octave(small, first, temple).clamp(0, 1)
for _ in range(10):
    second = dream_step(vgg, second, "relu4_3", step_size=2 / 255)
show_images([first[0], second[0]], ["small octave", "next octave"], columns=2, width=7.5)

# %% [markdown]
# **Predict, run, explain.** Below are three dreams with the same number of steps: (a) one size without jitter, (b) one size with jitter, (c) four octaves with
# jitter. In which does the sky show the strongest grid? In which does the tower change its form? Write it down, then run the cell.

# %%
# what jitter and octaves do (about 15 seconds)
garden = photo("china", 184, crop=False)
plain = deepdream(vgg, garden, octaves=1, steps=20, jitter=0)
jitter = deepdream(vgg, garden, octaves=1, steps=20)
octaves = deepdream(vgg, garden, octaves=4, steps=5)
show_images(
    [plain[0], jitter[0], octaves[0]],
    ["one size", "one size, jitter", "four octaves, jitter"],
    columns=3,
    width=9,
)

# %% [markdown]
# At one size the dream is made of small things: an animal in the bush, dots and lines in the sky; the tower keeps its form. The grid is strongest without jitter. With octaves the
# tower itself turns into something else, since in the smallest picture it was as small as the animal.

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
dreams = [deepdream(vgg, garden, layer=name, steps=8) for name in names]
show_images([d[0] for d in dreams], names, columns=2, width=7.5)

# %% [markdown]
# From the second to the fourth block: patches of color, then lines, then eyes and fur. In the fifth block the tower becomes another building. Units of shallow layers see a few pixels and know
# colors and lines; those of the fifth block see nearly the whole picture at this size, and know heads and buildings.
#
# ## From noise, and one channel
#
# Nothing asks for a photo. From noise the dream shows what the layer likes best. And instead of a layer you can name one channel, `"relu5_2:137"`: then only this channel's
# activation is the gradient, and the dream is close to the pictures of lesson 09.

# %% [markdown] notes="1" minutes=3
# Without a photo nobody can say it was in the photo. Let people name what they see.

# %%
# from noise: the whole layer, and three single channels (about 15 seconds)
noise = 0.5 + 0.12 * torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
units = ["relu5_2", "relu5_2:5", "relu5_2:480", "relu5_2:401"]
from_noise = [deepdream(vgg, noise.clamp(0, 1), layer=unit, octaves=3, steps=12) for unit in units]
show_images([d[0] for d in from_noise], units, columns=4, width=9)

# %% [markdown]
# The whole layer draws eyes. The three channels draw loops, an arch, and the head of an animal (details differ from machine to machine). Where nothing has grown yet you see the noise of
# the start.

# %% [markdown]
# ## Guided by another picture
#
# Who decides what is dreamed? So far the photo: its strongest features grow. A **guide** picture can decide instead. Each position of the layer looks for the guide's
# position that fits it best, the one with the largest inner product, and takes *that* vector as its gradient:
#
# $$\frac{\partial L}{\partial a_p} = b_{q(p)}, \qquad q(p) = \arg\max_q \; a_p \cdot b_q .$$
#
# Here $a_p$ is the vector of all channels at position $p$ of your picture, and $b_q$ the one at position $q$ of the guide.

# %% [markdown] notes="1" minutes=10
# Ask who decides what is dreamed. For 12.5 draw both maps as lists of vectors; each looks for its best partner.

# %% [markdown] exercise="12.5" title="The guide's gradient" points=2 difficulty=3 importance=2 minutes=12 own="course_utils.fun.deepdream:_best_matches"
# Return the gradient for the layer. The two pictures may have different sizes.


# %% exercise="12.5"
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


check("12.5", guide_seed)

# %% [markdown] fold="Hint"
# `activation.flatten(1)` has one column of $C$ numbers for each position. `here.T @ there` is the table of all inner products, a row for each position of your picture. `argmax`
# over the row gives a number of a column of the guide.

# %% picture="12.5"
# your guide: the temple dreams of flowers
guide = photo("flower", 160, crop=False)
wanted = layer_outputs(vgg, guide, ["relu4_3"])["relu4_3"][0]
guided = garden.clone()
for _ in range(15):
    pixels = guided.clone().requires_grad_()
    activation = layer(pixels)
    seed = guide_seed(activation[0].detach(), wanted)[None]
    guided = step(guided, torch.autograd.grad(activation, pixels, seed)[0], 2.5 / 255)
show_images([guide[0], guided[0]], ["guide", "guided dream"], columns=2, width=7.5)

# %%
# with all octaves, three guides (about 15 seconds)
guides = [photo("flower", 160, crop=False), photo("strawberry", 144), photo("dalmatian", 160)]
where = ["relu4_4", "relu4_4", "relu5_2"]
guided = [
    deepdream(vgg, garden, layer=name, guide=one) for name, one in zip(where, guides, strict=True)
]
show_images(
    [d[0] for d in guided],
    ["guide: flower", "guide: strawberry", "guide: dalmatian"],
    columns=3,
    width=9,
)

# %% [markdown]
# The strawberry brings its seeds, the dalmatian a dog. The guide decides what grows, the photo still decides where.

# %% [markdown]
# ## Why dogs?
#
# VGG-19 was trained to tell 1000 categories apart. Count what they are. In the list of ImageNet the breeds of dogs stand together, from *Chihuahua* to *Mexican hairless*.

# %% [markdown] notes="1" minutes=3
# A guess first: how many of the 1000 classes are dogs?

# %%
# count the dogs
classifier = load_network("efficientnet_lite0")
names = classifier.categories
breeds = names[names.index("Chihuahua") : names.index("Mexican hairless") + 1]
animals = names[: names.index("abacus")]  # the animals come first, then things from A on
print(f"{len(breeds)} of {len(names)} categories are breeds of dogs: {', '.join(breeds[:6])}, ...")
print(f"{len(animals)} are animals, so {len(breeds) / len(animals):.0%} of the animals are dogs")

# %% [markdown]
# To tell a Norfolk terrier from a Norwich terrier a network needs many channels for eyes, snouts, ears and fur. They are a large part of what the layer is made of, and so of
# what it dreams.

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
# 2. **Ask a classifier** before and after. Another network, EfficientNet, has never seen VGG's layers.

# %% [markdown] notes="1" minutes=4
# Take up the guesses of the beginning: where does the animal come from?

# %%
# the same dream with random weights (about 5 seconds)
nothing = randomized(vgg)
random_dream = deepdream(nothing, garden, steps=8)
show_images([dreams[3][0], random_dream[0]], ["trained", "random weights"], columns=2, width=7.5)

# %%
# what another network says
for name, picture in (("photo", temple), ("dream", dream)):
    tops = ", ".join(f"{c} {p:.0%}" for c, p in classifier.predict(picture, k=3)[0])
    print(f"{name}: {tops}")

# %% [markdown]
# With random weights the same steps only add colored noise to the photo: the method brings no new forms, the weights do. The second test takes the dream from the top of this lesson. In the
# photo the classifier finds buildings. In the dream, on the machine where this was written, its first three answers were breeds of dogs. The dogs were not there before.
#
# Other limits, in one sentence each:
#
# - The picture depends on step, jitter, octaves and start as much as on the layer: a dream illustrates a layer, it does not measure it.
# - The strongest units win and grow; a unit that is silent here stays invisible.
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
# - Divide the gradient by its mean size; jitter breaks the grid; octaves carry the detail and keep the photo sharp.
# - Shallow layers dream of lines and textures, deep ones of parts and heads. One channel or a guide picture steers the dream.
# - What appears was in the training data, and not in the photo.
#
# **Papers.** Mordvintsev, Olah, Tyka: *Inceptionism: Going Deeper into Neural Networks*, Google Research Blog 2015, with the notebook at github.com/google/deepdream. Olah, Mordvintsev,
# Schubert: *Feature Visualization*, Distill 2017.
