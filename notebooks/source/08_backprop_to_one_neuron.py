# %% [markdown] lesson="08" title="Backprop to one neuron: deconvnet and guided backprop" minutes=75 needs="07"
# You will be able to: send the activation of one neuron back to the pixels by three rules; write each rule yourself; draw what a
# neuron responds to beside the patches that excite it; and show with two short tests why the sharpest of these pictures is the least trustworthy.

# %% tags=["setup"]
import torch

from course_utils import check, explorers, layer_outputs, load_network, photo, quiz, show_images
from course_utils.activations import top_patches
from course_utils.gradients import as_picture, backprop, rank_correlation, relu_rule
from course_utils.images import resize
from course_utils.networks import randomized

# %%
# the result first: one neuron of VGG-19, sent back to the pixels by three rules
net = load_network("vgg19")
cat = photo("cat", 192)
pictures = [
    as_picture(backprop(net, cat, "relu5_1:129", rule=rule))[0]
    for rule in ("gradient", "deconvnet", "guided")
]
show_images([cat[0], *pictures], ["photo", "gradient", "deconvnet", "guided backprop"], columns=4)

# %% [markdown]
# This neuron sits in layer `relu5_1`, channel 129, at the place where the channel responds most. Gray means 0: the pixel has no effect. All three pictures
# differ from gray around one eye only, and the last one shows the eye clearly. The three differ in one line of code, and you will write this line now.

# %% [markdown] notes="1" minutes=4
# Let the room say which of the three pictures they would put into a paper. Come back to the answer at the end: the one that most people
# choose fails both tests.

# %% [markdown]
# ## The idea
#
# In lesson 07 you took the gradient of a class score. A class score is one neuron of the last layer. Nothing stops you from taking another one: channel
# $c$ of any layer, at one position. Its gradient goes down through the layers until it arrives at the pixels.
#
# On its way it meets ReLUs. Going up, a ReLU with input $x$ puts out $\max(0, x)$. Going down, a signal $R$ arrives from above, and the ReLU decides what
# goes on. There are three rules:
#
# | rule | what goes on | in words |
# |---|---|---|
# | gradient | $R \cdot [x > 0]$ | it passes where the ReLU was on |
# | deconvnet | $R \cdot [R > 0]$ | it passes where it is positive |
# | guided backprop | $R \cdot [x > 0] \cdot [R > 0]$ | it passes where both hold |
#
# $[\ldots]$ is 1 where the condition holds and 0 elsewhere. The **deconvnet** (Zeiler & Fergus, 2014) uses a ReLU on the way down, because there was one on the way up.
# **Guided backprop** (Springenberg et al., 2015) uses both conditions. Everything else, convolutions and pooling, is the ordinary backward pass.

# %% [markdown] notes="1" minutes=4
# Draw one ReLU with an arrow up and an arrow down. Ask: who may stop the arrow that comes down, the number that went up
# or the signal itself?

# %% [markdown]
# ## In the head first
#
# Four numbers enter a ReLU, $x = (2, -1, 3, -4)$. From above comes $R = (5, 5, -7, -7)$. What goes on below, by each of the three rules? *(Think, then run the
# cell.)*

# %% [markdown] notes="1" minutes=9
# Four columns on the board, one row for each rule, filled in by the room. Then type the exercise; the three rules
# differ in one line.

# %%
# the three rules on four numbers: all four cases of signs
x = torch.tensor([2.0, -1.0, 3.0, -4.0])
R = torch.tensor([5.0, 5.0, -7.0, -7.0])
print("gradient ", R * (x > 0))
print("deconvnet", R * (R > 0))
print("guided   ", R * (x > 0) * (R > 0))

# %% [markdown]
# Read the columns. In the first, the ReLU was on and the signal is positive: all rules let it pass. In the second the ReLU was off: only the deconvnet lets it
# pass. In the third the signal is negative: only the gradient lets it pass. In the last column no rule does. (`-0.` is the number 0: it comes from $-7 \cdot 0$.)
#
# A comparison such as `x > 0` gives a tensor of True and False. Multiplied with numbers, True counts as 1 and False as 0.

# %% [markdown] exercise="08.1" title="Build it: the three rules" points=2 difficulty=1 importance=5 minutes=6 own="course_utils.engines.relu_rules:RuledRelu"
# `x` is what entered the ReLU on the way up, `R` is the signal that arrives from above, both of the same shape. `rule` is one of the words
# `"gradient"`, `"deconvnet"`, `"guided"`. Return what goes on below.


# %% exercise="08.1"
def relu_backward(x, R, rule):
    """What a ReLU passes down.

    x: the input of the ReLU, R: the signal from above, of the same shape
    rule: "gradient", "deconvnet" or "guided"
    returns: a tensor of the same shape
    """
    ### BEGIN SOLUTION
    if rule == "gradient":
        return R * (x > 0)
    if rule == "deconvnet":
        return R * (R > 0)
    return R * (x > 0) * (R > 0)
    ### END SOLUTION


check("08.1", relu_backward)

# %% [markdown] fold="Hint"
# Three lines beginning with `if rule == ...`, each a product with one or two comparisons.

# %% [markdown] fold="I get: for 'deconvnet' only the sign of R counts"
# The deconvnet does not look at `x` at all. Only `R > 0` decides.

# %% [markdown]
# ## Through a whole network
#
# A linear layer $y = W a$ passes a signal down with the transposed matrix: what arrives at $a$ is $W^\top R$. So a network of three matrices with two ReLUs,
#
# $$x_1 = W_1 I, \quad x_2 = W_2 \max(0, x_1), \quad S = W_3 \max(0, x_2),$$
#
# with the image $I$ (all its pixels in one column of numbers) and the class scores $S$, sends the score of class $c$ down like this: start with $R = (0, \ldots, 1, \ldots, 0)$, the 1 at place $c$; multiply with $W_3^\top$; apply the rule with $x_2$; multiply with
# $W_2^\top$; apply the rule with $x_1$; multiply with $W_1^\top$. There is no ReLU below the first layer, so the result keeps its sign.

# %% [markdown] notes="1" minutes=13
# Do the small matrix by hand. In 08.2 write the way up first and keep what entered each ReLU; the way down needs it.

# %%
# up and down through one matrix and one ReLU
W = torch.tensor([[1.0, -1.0], [2.0, 0.0]])
image = torch.tensor([3.0, 4.0])
x = W @ image  # up: -1 and 6
R = torch.tensor([10.0, 10.0])  # what arrives at the two ReLUs
x, W.T @ (R * (x > 0))

# %% [markdown]
# The first ReLU was off, so only the second row of $W$ takes part: $10 \cdot (2, 0)$.

# %% [markdown] exercise="08.2" title="Build it: backprop by hand" points=3 difficulty=3 importance=4 minutes=15 own="course_utils.gradients:backprop"
# `weights` is a list of the three matrices $W_1, W_2, W_3$ as above, `image` is the column of pixels. Return the signal at the pixels for the score of class `target`, by the given
# rule at **both** ReLUs. You do not need `torch.autograd`: products of matrices and the rule are enough.


# %% exercise="08.2"
def backprop_by_hand(weights, image, target, rule):
    """Send one class score back to the pixels.

    weights: [W1, W2, W3], with a ReLU after W1 and after W2
    image: (n,), target: the class, an index into the scores
    rule: "gradient", "deconvnet" or "guided"
    returns: (n,), signed
    """
    ### BEGIN SOLUTION
    W1, W2, W3 = weights
    x1 = W1 @ image
    x2 = W2 @ x1.clamp(min=0)

    def at_relu(x, R):
        if rule == "gradient":
            return R * (x > 0)
        if rule == "deconvnet":
            return R * (R > 0)
        return R * (x > 0) * (R > 0)

    R = torch.zeros(len(W3), dtype=W3.dtype)
    R[target] = 1
    R = at_relu(x2, W3.T @ R)
    R = at_relu(x1, W2.T @ R)
    return W1.T @ R
    ### END SOLUTION


check("08.2", backprop_by_hand)

# %% [markdown] fold="Hint"
# First go up and keep `x1` and `x2`, the inputs of the two ReLUs. Then go down in three steps: `W3.T @ R`, rule with `x2`; `W2.T @ R`, rule with `x1`; `W1.T @ R`. You may
# use your `relu_backward`, if you copy it into this cell as well.

# %% [markdown] fold="I get: expected m1 and m2 to have the same dtype"
# The matrices hold 64-bit numbers. Make the start with `torch.zeros(len(W3), dtype=W3.dtype)`.

# %% [markdown] solution="08.2"
# Going down, each layer multiplies with its transposed matrix, and each ReLU decides with what it saw going up. Real networks do the same with convolutions. PyTorch does it for you:
# only the line at the ReLU must be exchanged.

# %% [markdown]
# ## The same in a real network
#
# `relu_rule` exchanges this line for all ReLUs that run inside of its block. It does so for the operation itself. So it finds `nn.ReLU` modules, also those that
# work in place or are used twice, and functions such as `F.relu`, and the ReLU6 (a ReLU that is cut off at 6).

# %% [markdown] notes="1" minutes=6
# Ask before the cell: at which depth will the plain gradient be the noisiest?

# %%
# how many ReLUs lie between the image and the layer relu5_1?
pixels = cat.clone().requires_grad_()
with relu_rule("guided") as relus:
    layer_map = net.model.features[:30](net.normalize(pixels))
relus.count, tuple(layer_map.shape)

# %% [markdown]
# `backprop(net, images, "relu5_1:129", rule=...)` does all of it: the block, the choice of the position, the backward pass. Now the strongest
# neuron of this photo in each of four depths.

# %%
# the strongest neuron of four layers, by the three rules
layers = ["relu2_2", "relu3_4", "relu4_4", "relu5_1"]
responses = layer_outputs(net, cat, layers)
rows, titles = [], []
for layer in layers:
    channel = responses[layer][0].amax((1, 2)).argmax().item()
    unit = f"{layer}:{channel}"
    rows += [
        as_picture(backprop(net, cat, unit, rule=rule))[0]
        for rule in ("gradient", "deconvnet", "guided")
    ]
    titles += [f"{unit}, gradient", "deconvnet", "guided"]
show_images(rows, titles, columns=3, width=7)

# %% [markdown]
# From top to bottom the layers get deeper. The deeper the layer, the larger the part of the photo that the neuron sees, and the more noise the plain gradient collects on its way through many
# ReLUs. Guided backprop stays clean.

# %% [markdown]
# ## Which neuron?
#
# A channel of `relu5_1` has a neuron at each position. The usual choice is the strongest: the position where the channel responds most to this photo.

# %% [markdown] notes="1" minutes=7
# Ask for the largest of a flat list, then for its row and column. `//` and `%` need a drawing.

# %% [markdown] exercise="08.3" title="The strongest position" points=1 difficulty=2 importance=3 minutes=8
# `maps` holds the outputs of a layer for a batch of images. For each image, return the row and the column where the given channel is largest.


# %% exercise="08.3"
def strongest(maps, channel):
    """Where one channel responds most.

    maps: (N, C, H, W), channel: an index
    returns: (N, 2), row and column for each image, integers
    """
    ### BEGIN SOLUTION
    width = maps.shape[3]
    index = maps[:, channel].flatten(1).argmax(dim=1)
    return torch.stack([index // width, index % width], dim=1)
    ### END SOLUTION


check("08.3", strongest)

# %% [markdown] fold="Hint"
# `maps[:, channel].flatten(1)` has shape `(N, H * W)`. Its `argmax(dim=1)` is a number for each image. Positions are numbered row by row: with width 7, number 16 is row 2,
# column 2.

# %% picture="08.3"
# your positions in channel 129, as a white dot on the map of the cat
place = strongest(responses["relu5_1"], 129)[0]
dot = responses["relu5_1"][0, 129] / responses["relu5_1"][0, 129].max() * 0.6
dot[place[0], place[1]] = 1.0
show_images(
    [cat[0], dot], ["photo", f"row {int(place[0])}, column {int(place[1])}"], vmin=0, vmax=1
)

# %% [markdown]
# ## What does a channel respond to?
#
# One photo says little. The figure of the lecture puts two things side by side: the photos that excite a channel most (lesson 05), and what guided backprop finds in each. What the
# pictures have in common is a guess at what the channel responds to.

# %% [markdown] notes="1" minutes=6
# Hide the text and collect names for both channels. Ask how many photos it would take to be sure.

# %%
# the patches of 14 photos that excite two channels of relu5_1 most (lesson 05)
animals = ["cat", "bull_mastiff", "dalmatian", "bald_eagle", "goose", "spoonbill", "dung_beetle"]
names = [
    *animals,
    "leafhopper",
    "astronaut",
    "grace_hopper",
    "coffee",
    "jeep",
    "strawberry",
    "motorcycle",
]
photos = torch.cat([photo(name, 192) for name in names])
channels = [253, 133]
found = top_patches(net, photos, "relu5_1", channels=channels, k=4, batch_size=4, progress=False)
[[names[i] for i in row] for row in found.images.tolist()]

# %%
# each patch, and below it guided backprop from the same position, cut out in the same way
rows = []
for channel, images, places, boxes in zip(
    channels, found.images, found.places, found.boxes, strict=True
):
    signal = backprop(net, photos[images], f"relu5_1:{channel}", rule="guided", position=places)
    for pictures in (photos[images], as_picture(signal)):
        cut = [
            p[:, top:low, left:right]
            for p, (top, left, low, right) in zip(pictures, boxes.tolist(), strict=True)
        ]
        rows += [resize(one[None], 150)[0] for one in cut]
show_images(rows, columns=4, title="relu5_1: channel 253 (first two rows) and 133 (last two rows)")

# %% [markdown]
# In these four photos channel 253 responds to faces: a dog's, two people's, and the eye of a cat. Channel 133 seems to respond to heads, with a snout, a face or a beak. The network was never asked for faces:
# ImageNet has no class "face".
#
# These are guesses from four photos, and the next ones spoil the first guess: a cup of coffee gives a larger answer than the face of the other dog. Lesson 09 asks the channel itself.

# %% claim="channel 253: large for a mastiff, but larger for a cup of coffee than for the dalmatian"
asked_of = torch.cat([photo(name) for name in ("bull_mastiff", "coffee", "dalmatian")])
mastiff, cup, dalmatian = (
    layer_outputs(net, asked_of, ["relu5_1"])["relu5_1"][:, 253].amax((1, 2)).tolist()
)
assert mastiff > 2 * cup
assert cup > 1.1 * dalmatian

# %% [markdown]
# ## Predict, run, explain
#
# On the photo of a cup of coffee the output of channel 253 is 0 at many positions. We take such a neuron, one that is **off**, near the middle of the photo, and send it back by the
# three rules. Which of the three pictures will be empty? Write your answer down, then run the cell.

# %% [markdown] notes="1" minutes=4
# Votes for the empty picture before the cell. The deconvnet draws a neuron that is off: let that sink in.

# %%
# a neuron that is off, sent back by the three rules
off = photos[names.index("coffee")][None]
channel_map = layer_outputs(net, off, ["relu5_1"])["relu5_1"][0, 253]
middle = channel_map.shape[0] // 2
places = (channel_map == 0).nonzero()
row, column = places[(places - middle).square().sum(1).argmin()].tolist()
pictures, titles = [off[0]], [f"activation {channel_map[row, column]:.0f} at ({row}, {column})"]
for rule in ("gradient", "deconvnet", "guided"):
    signal = backprop(net, off, "relu5_1:253", rule=rule, position=(row, column))
    pictures.append(as_picture(signal)[0])
    titles.append(f"{rule}: largest {signal.abs().max():.0f}")
show_images(pictures, titles, columns=4)

# %% [markdown]
# Two rules ask whether the ReLU was on. It was off, so nothing passes. The deconvnet does not ask. It draws a picture for a neuron that did not respond to
# anything, and the picture looks like any other.

# %% [markdown] fold="Think: why does the original deconvnet look better than here?"
# Zeiler and Fergus used a network with max pooling after three of its five convolutions, drew only neurons that were strongly on, and started from the activation itself, where we start from 1. Max pooling remembers which position was the largest
# ("switches"), and these positions come from the photo. Springenberg et al. found that the deconvnet looks much worse in networks without pooling.

# %% [markdown]
# ## Spot the bug
#
# Many tools change the ReLU with a *hook*: a function that PyTorch calls when a gradient arrives at a tensor. The hook is placed on the tensor that enters the ReLU. This is right as
# long as the tensor goes nowhere else. In a residual network it does: $y = \max(0, x) + w\,x$. Then the gradient at $x$ is the **sum** of what comes through both branches.

# %% [markdown] notes="1" minutes=8
# Draw the two branches into $y$. Ask at which place the hook sits and what arrives there.

# %% [markdown] exercise="08.4" title="Spot the bug: a ReLU with a skip branch" points=2 difficulty=3 importance=3 minutes=10 own="course_utils.gradients:relu_rule"
# The function should send a signal `R` from $y = \max(0, x) + w\,x$ back to $x$ by the rule of guided backprop. The rule belongs to the ReLU, and to nothing else. Run the cell, read what `check`
# says, and repair it.


# %% exercise="08.4"
def guided_with_skip(x, R, w):
    """Guided backprop through y = relu(x) + w * x.

    x: the input, R: the signal that arrives at y, of the same shape; w: a number
    returns: the signal at x
    """
    ### BEGIN SOLUTION
    through_relu = R * (x > 0) * (R > 0)
    through_skip = w * R
    return through_relu + through_skip
    ### END SOLUTION
    ### BEGIN STUB
    # through_relu = R * (x > 0)
    # through_skip = w * R
    # arrives_at_x = through_relu + through_skip
    # return arrives_at_x.clamp(min=0)  # the hook: no negative signal goes on
    ### END STUB


check("08.4", guided_with_skip)

# %% [markdown] fold="Hint"
# Which of the two branches has a ReLU? Apply the rule there, before the two are added.

# %% [markdown] solution="08.4"
# The clamp comes too late: after the sum it cuts off the skip's signal, too. `relu_rule` exchanges the ReLU itself, so it sees only what comes through the ReLU.

# %% [markdown]
# ## Explore
#
# Click on a place of the feature map and compare the three rules. Then click on a place where the unit is off: what do the rules send back from there?

# %%
# one unit, three rules
explorers.Saliency(net, "cat", unit="relu4_1:5", rule="guided")

# %% [markdown]
# ## What this picture does not show
#
# Guided backprop gives the sharpest pictures. Are they about the neuron? We ask a classifier, `efficientnet_lite0`, for the class score of *bald eagle*, and make the two
# tests of lesson 07:
#
# 1. **Another class.** The eagle's photo, but the score of *strawberry*.
# 2. **Random weights.** The last 10 of the 50 layers get random weights: this network has forgotten all classes. For comparison, the last column gives random weights to all layers.

# %% [markdown] notes="1" minutes=6
# Take up the vote of the beginning. Show the eagle for strawberry without its title.

# %%
# the gradient (top) and guided backprop (bottom): trained, another class, random weights
classifier = load_network("efficientnet_lite0")
eagle = photo("bald_eagle")
cases = {
    "bald eagle": (classifier, "bald eagle"),
    "strawberry": (classifier, "strawberry"),
    "last 10 layers random": (randomized(classifier, last=10), "bald eagle"),
    "all layers random": (randomized(classifier), "bald eagle"),
}
signals = {
    rule: [backprop(network, eagle, target, rule=rule) for network, target in cases.values()]
    for rule in ("gradient", "guided")
}
rows = [as_picture(signal)[0] for rule in signals for signal in signals[rule]]
titles = [f"{rule}: {name}" if name == "bald eagle" else name for rule in signals for name in cases]
show_images(rows, titles, columns=4)

# %%
# the same in numbers: rank correlation of |signal| with the one of the trained network for 'bald eagle'
for rule, (first, *others) in signals.items():
    for name, other in zip(list(cases)[1:], others, strict=True):
        same = rank_correlation(first.abs().amax(1), other.abs().amax(1))
        print(f"{rule:9} {name:22} {same:.2f}")

# %% [markdown]
# The crisp eagle is still there when you ask for a strawberry. It is still there when the network has forgotten every class. The numbers are close to 1: it is the *same
# picture*. So it cannot be about the class. In this network it becomes another picture only when the first layers are random as well. Even that is not so everywhere: on VGG-19, guided backprop draws the edges of the photo with *all* weights random,
# as the mathematics of Nie, Zhang and Patel says.
#
# Why? A rule that stops negative signals removes everything that speaks *against* the neuron. What is left of the upper layers is nearly the same for every class. So the drawing is decided by
# which ReLUs of the first layers were on, and these follow the edges of the photo. (Nie, Zhang and Patel, 2018, show this with mathematics: guided backprop partly recovers the image.)
#
# The plain gradient looks worse, but it changes with the class and with the weights, as it should: it passes both tests. **A clear picture is not evidence.**

# %% [markdown] fold="Think: is guided backprop useless, then?"
# No. To see *where* a neuron of a middle layer looks, and which edges of this photo it can see there, it is quick and clear. It does not say *why* the network chose a class. For a neuron of
# `relu5_1` at one position, the place is set by the neuron's receptive field; inside of it, the picture is mostly edges.

# %% [markdown]
# ## One more step: a picture from signed numbers
#
# A gradient has positive and negative numbers. You saw it with 0 as middle gray. The choice matters: a display that stretches each picture from its smallest to its largest value
# shows another gray for 0 in every picture.

# %% [markdown] notes="1" minutes=5
# Stretch a picture from its smallest to its largest value first, and ask where 0 has gone.

# %% [markdown] exercise="08.5" title="Signed numbers as a picture" points=1 difficulty=1 importance=2 minutes=6 own="course_utils.gradients:as_picture"
# Turn a batch of signed gradients into pictures in [0, 1]: 0 becomes 0.5, and in each image the number with the largest **absolute value** becomes 1 if it is positive and 0 if it is negative. Each
# image has its own scale; its three colors share it.


# %% exercise="08.5"
def as_gray(gradients):
    """Signed gradients as pictures.

    gradients: (N, 3, H, W), any range, no image is all 0
    returns: (N, 3, H, W) in [0, 1], 0.5 where the gradient is 0
    """
    ### BEGIN SOLUTION
    size = gradients.abs().amax(dim=(1, 2, 3), keepdim=True)
    return 0.5 + gradients / (2 * size)
    ### END SOLUTION


check("08.5", as_gray)

# %% [markdown] fold="Hint"
# `gradients.abs().amax(dim=(1, 2, 3), keepdim=True)` has shape `(N, 1, 1, 1)`: one number for each image, ready to divide by.

# %% picture="08.5"
# your picture of the eye, by guided backprop
show_images(
    as_gray(backprop(net, cat, "relu5_1:129", rule="guided")), ["relu5_1:129, guided"], width=3
)

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=3
# By show of hands, one question at a time.

# %%
# four questions, with an explanation for every answer
quiz("08")

# %% [markdown]
# ## Summary
#
# - Any neuron can be sent back to the pixels: a class score, or a channel at a position.
# - At a ReLU: gradient $R[x>0]$, deconvnet $R[R>0]$, guided backprop $R[x>0][R>0]$. Only the first is a derivative.
# - The rule belongs to the ReLU. A tool that misses `F.relu`, ReLU6 or a skip branch is silently wrong.
# - Guided backprop shows the edges that a neuron can see. It hardly depends on the class or on the upper layers.
#
# **Papers.** Zeiler, Fergus: *Visualizing and Understanding Convolutional Networks*, ECCV 2014. Springenberg, Dosovitskiy, Brox, Riedmiller: *Striving for Simplicity: The All Convolutional
# Net*, ICLR Workshop 2015. Adebayo et al.: *Sanity Checks for Saliency Maps*, NeurIPS 2018. Nie, Zhang, Patel: *A Theoretical Explanation for Perplexing Behaviors of
# Backpropagation-based Visualizations*, ICML 2018.
