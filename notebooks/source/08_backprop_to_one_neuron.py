# %% [markdown] lesson="08" title="Backprop to one neuron: deconvnet and guided backprop" minutes=82 needs="07"
# You will be able to: send the activation of one neuron back to the pixels by three rules; write each rule yourself; draw what a
# neuron responds to beside the patches that excite it; and show with four short tests why a sharp picture is not yet one to trust.

# %% tags=["setup"]
import torch

from course_utils import (
    check,
    explorers,
    forward_to,
    gallery,
    layer_outputs,
    load_network,
    photo,
    quiz,
    show_images,
)
from course_utils.activations import field_crops, receptive_field, top_patches
from course_utils.figures import show_sheets
from course_utils.gradients import as_picture, backprop, edges, rank_correlation, relu_rule
from course_utils.networks import randomized

# %%
# the result first: the nine strongest patches of two channels of VGG-19, and what two rules draw from each
net = load_network("vgg19")
names = gallery().names
photos = torch.cat([photo(name) for name in names])
found = top_patches(net, photos, "relu5_1", k=len(names), batch_size=4, progress=False)
field = receptive_field(net, "relu5_1")


def nine(channel, rule=None):
    """The nine strongest patches of a channel, or what a rule draws at these places."""
    images, places = found.images[channel, :9], found.places[channel, :9]
    if rule is None:
        return field_crops(photos[images], field, places)
    unit = f"relu5_1:{channel}"
    signal = backprop(net, photos[images], unit, rule=rule, position=places, start="activation")
    return as_picture(field_crops(signal, field, places, fill=0))


sheets = [nine(channel, rule) for channel in (133, 98) for rule in ("deconvnet", None, "guided")]
show_sheets(
    sheets,
    [
        f"channel {channel}: {what}"
        for channel in (133, 98)
        for what in ("deconvnet", "the nine patches", "guided backprop")
    ],
    columns=3,
    width=11,
)

# %% [markdown]
# Layer `relu5_1` of VGG-19 has 512 channels. This picture shows two of them, 133 above and 98 below. In the middle stand the nine patches, of 37 photos, that excite the channel most (lesson 05), the strongest first. A patch has 156 × 156 pixels: this is what one neuron of this layer sees.
# Where the neuron looks over the border of the photo, the patch is gray.
#
# On both sides the activation of this *one neuron* was sent back to the pixels, by two rules. Gray means 0, or too small to be seen beside the largest; outside of its 156 pixels it is exactly 0. (Gray does not mean that the pixel plays no part: a rule may have stopped the signal.) On the left you see the **deconvnet**, as in figure 2 of Zeiler and Fergus (2014); on the right **guided backprop**. Each drawing has its own scale.
#
# The nine photos of channel 133 all show a head: of a bird, a dog, a cat or a person. Channel 98 has four photos with wheels first, and then photos without; the fourth, a jeep, is level with a drum. (Of the motorcycle, the first, the neuron sees the tank, the lamp and the handlebar, and no wheel: that speaks against the name.) The drawings on the right have clear outlines: a beak, a face, spokes. Two photos are in both sheets, the man with the camera and the spoonbill. The channel of the wheels draws the man's face, too. (The spoonbill's two drawings differ: the two neurons stand at different places. In its patch for 133 the bird is too small to see a head.) Two questions: how are the drawings made? And do they show what the neuron looks for?

# %% claim="133: the nine strongest photos show a head (the last by a small margin); 98: the three strongest have wheels, and a jeep and a drum are level; a patch has 156 pixels"
of_channel = {c: [names[i] for i in found.images[c].tolist()] for c in (133, 98)}
with_head = {"astronaut", "bald_eagle", "bull_mastiff", "camera", "cat", "dalmatian", "goose"}
with_head |= {"grace_hopper", "spoonbill"}
assert len(with_head & set(of_channel[133][:9])) >= 8
assert set(of_channel[98][:3]) == {"cannon", "jeep_blue", "motorcycle"}
assert found.values[98, 2] > 1.1 * found.values[98, 3]
assert {"jeep", "drum"} == set(of_channel[98][3:5])
assert found.values[98, 3] < 1.05 * found.values[98, 4]
assert "camera" in of_channel[133][:9]
assert {"camera", "spoonbill"} <= set(of_channel[98][:9]) & set(of_channel[133][:9])
assert field.size == (156, 156)

# %% [markdown] notes="1" minutes=5
# Show the picture. Let the room say which of the two drawings they would put into a paper. Come back to the answer at the end: the one that most people
# choose fails the tests. Who finds the photo that stands in both sheets? (The man with the camera, and the spoonbill.)

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
# $[\ldots]$ is 1 where the condition holds and 0 elsewhere. The **deconvnet** (Zeiler & Fergus, 2014) uses a ReLU on the way down: feature maps are never negative, so what is drawn of them should not be either. Simonyan, Vedaldi and Zisserman (2014) noticed that it is the backward pass but for this one line.
# **Guided backprop** (Springenberg et al., 2015) uses both conditions. They compare the three rules as this lesson does. Everything else, convolutions and pooling, is the ordinary backward pass.
#
# One more choice: what does the neuron send down? The gradient starts from 1 at this neuron, and from 0 at all others of its layer. Zeiler and Fergus also set all others to 0, but they start from the neuron's own activation $a$. We come back to what this changes.

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

# %%
# a real ReLU, the one of relu4_4: what enters it, and what arrives from channel 129 of relu5_1
cat = photo("cat", 192)
layers_in_a_row = net.model.features
here = int(net.layer_name("relu4_4").split(".")[1])  # relu4_4 is "features.26", the 27th layer
entered = layers_in_a_row[:here](net.normalize(cat))
left = entered.clamp(min=0).requires_grad_()
neuron = layers_in_a_row[here + 1 : here + 4](left)[0, 129].max()  # pool4, conv5_1, relu5_1
(arrived,) = torch.autograd.grad(neuron, left)
(
    tuple(entered.shape),
    f"{(arrived != 0).sum()} signals that are not 0 arrive",
)  # 9 places of pool4 x 512 channels; each has its own winner in relu4_4

# %% uses="08.1"
# your function at this ReLU: how many of the signals go on? (about a quarter, a little less than a half, an eighth)
for word in ("gradient", "deconvnet", "guided"):
    goes_on = (relu_backward(entered, arrived, word) != 0).sum() / (arrived != 0).sum()
    print(f"{word:9} {goes_on:.0%}")

# %% claim="of the signals at relu4_4 about a quarter, a little less than a half and an eighth go on"
arriving = arrived != 0
assert 0.2 < ((entered > 0) & arriving).sum() / arriving.sum() < 0.3
assert 0.4 < (arrived > 0).sum() / arriving.sum() < 0.49
assert 0.11 < ((entered > 0) & (arrived > 0)).sum() / arriving.sum() < 0.14

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

# %%
# a convolution is a matrix: one neuron of relu1_2 sees 5 x 5 pixels, through 3 x 3 neurons of relu1_1.
# Each of the 64 filters of conv1_1 stands at 9 places: 576 rows. The neuron at row 80, column 100 sees rows 78 to 82, columns 98 to 102.
first, second = net.layer("conv1_1"), net.layer("conv1_2")
one_pixel_each = torch.eye(75).view(75, 3, 5, 5)  # 75 images: one number is 1, all others 0
W1 = torch.nn.functional.conv2d(one_pixel_each, first.weight).flatten(1).T  # (576, 75)
W2 = second.weight.flatten(1)  # (64, 576)
# the biases: one more number, which is always 1
W1 = torch.cat([W1, first.bias.repeat_interleave(9)[:, None]], dim=1)
W1 = torch.cat([W1, torch.eye(76)[-1:]])  # its row (0, ..., 0, 1) hands the 1 on
W2 = torch.cat([W2, second.bias[:, None]], dim=1)
patch = net.normalize(cat)[0, :, 78:83, 98:103]
matrices, column = [W1, W2, torch.eye(64)], torch.cat([patch.flatten(), torch.ones(1)])
strong = (W2 @ (W1 @ column).relu()).argmax().item()
f"relu1_2:{strong} is the strongest of 64 at row 80, column 100"

# %% uses="08.2"
# your function on these two layers, and backprop through the network itself
for word in ("gradient", "deconvnet", "guided"):
    by_hand = backprop_by_hand(matrices, column, strong, word)[:75].view(3, 5, 5)
    by_autograd = backprop(net, cat, f"relu1_2:{strong}", rule=word, position=(80, 100))
    apart = by_hand / net.std.view(3, 1, 1) - by_autograd[0, :, 78:83, 98:103]
    print(f"{word:9} largest {by_autograd.abs().max():.3f}, difference {apart.abs().max():.0e}")

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
    layer_map = forward_to(net, pixels, ["relu5_1"])["relu5_1"]
relus.count, tuple(layer_map.shape)

# %% [markdown]
# `forward_to` runs the network only as far as a layer. `backprop(net, images, "relu5_1:129", rule=...)` does all of it: the block, the choice of the position, the backward pass. Now the strongest
# neuron of this photo in each of four layers. The first picture of a row is all that the neuron sees.

# %%
# the strongest neuron of four layers: its patch, and what the three rules draw
layers = ["relu2_2", "relu3_4", "relu4_4", "relu5_1"]
rules = ("gradient", "deconvnet", "guided")
responses = layer_outputs(net, cat, layers)
rows, titles, likeness = [], [], {}
for layer in layers:
    channel = responses[layer][0].amax((1, 2)).argmax().item()
    one_map = responses[layer][0, channel]
    place = divmod(one_map.argmax().item(), one_map.shape[1])
    seen = receptive_field(net, layer, size=192)
    unit = f"{layer}:{channel}"
    sent = {rule: backprop(net, cat, unit, rule=rule, position=place) for rule in rules}
    rows.append(field_crops(cat, seen, place)[0])
    rows += [as_picture(field_crops(sent[rule], seen, place, fill=0))[0] for rule in rules]
    titles += [f"{unit}: {seen.size[0]} pixels", *rules]
    likeness[layer] = torch.nn.functional.cosine_similarity(
        sent["gradient"].flatten(), sent["guided"].flatten(), dim=0
    ).item()
show_images(rows, titles, columns=4, width=9)

# %% [markdown]
# From top to bottom the layers get deeper, and a neuron sees a larger part of the photo: 14 pixels at first, 156 at the end. In the first row gradient and guided backprop are nearest to each other, and in the last two rows they hardly agree (1 would be the same direction; each row is another channel, too):

# %%
# the cosine of gradient and guided backprop, layer by layer
{layer: round(value, 2) for layer, value in likeness.items()}

# %% claim="gradient and guided backprop agree near the pixels, and hardly in relu5_1; fields of 14 and 156 pixels"
assert likeness["relu2_2"] > 0.5
assert likeness["relu2_2"] > 2 * likeness["relu5_1"]
assert receptive_field(net, "relu2_2").size[0] == 14

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
# column 2. `divmod(16, 7)` gives both at once; it needs plain numbers, so take `int(...)` of a tensor first. A list of such pairs is as good as a tensor.

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
# One photo says little. The picture at the beginning puts nine patches beside nine drawings. What they have in common is a guess at what the channel responds to. Here is a third channel.

# %% [markdown] notes="1" minutes=8
# Hide the text and collect names for all three channels. Ask how many photos it would take to be sure. Votes before the ranks.

# %%
# channel 457: the nine strongest patches, without drawings
show_sheets([nine(457)], across=9, columns=1)

# %% [markdown]
# Our guesses: 133 responds to *heads* of people, mammals and birds, 98 to *wheels*, 457 to *faces of people*. A guess must be able to fail. So write down **which** of the 37 photos show such a thing (best before you look; of 133 and 98 you have seen the first nine already, and that will cost us something below), and then rank *all* photos by the channel's largest value in each.

# %%
# the first twelve photos for each channel; a star where the guess says that they should be there
people = {"astronaut", "camera", "grace_hopper"}
animals = {"cat", "bull_mastiff", "dalmatian", "goose", "bald_eagle", "spoonbill"}
guesses = {
    133: ("heads of people, mammals and birds", people | animals),
    98: ("wheels", {"motorcycle", "jeep", "jeep_blue", "cannon"}),
    457: ("faces of people", people),
}
for channel, (guess, shows_it) in guesses.items():
    print(f"\nchannel {channel}, {guess}: {len(shows_it)} photos show them")
    for number, value in zip(found.images[channel, :12], found.values[channel, :12], strict=True):
        star = "*" if names[number] in shows_it else " "
        print(f"  {star} {names[number]:14} {value:5.0f}")

# %% [markdown]
# All stars stand on top, in all three. But three doubts remain.
#
# **Were the channels chosen for it?** Yes: three out of 512. With so many channels, some fit by luck. To see how much luck can do, throw dice: draw some photos at random, call them "heads", and look for the channel that fits *best*. Count how many of these photos are on top.
#
# **Is the list fair?** It was made by us. The leafhopper, the dung beetle and the coins have heads, too, and none of them is among the first twelve: with them in the list, three of twelve would be missed. So "heads" is too large a word for 133.
#
# **Is it the channel, or these pictures?** The same photos, but smaller: 160 pixels in place of 224. Below you see the first six patches of channel 457 at 160 pixels.

# %%
# of the n photos that fit a guess: how many are among the first n? The best of 512 channels for photos drawn by dice, and smaller photos
peaks = torch.zeros(512, 37).scatter(1, found.images, found.values)
small_photos = torch.cat([photo(name, 160) for name in names])
found_small = top_patches(net, small_photos, "relu5_1", k=len(names), batch_size=4, progress=False)
small = torch.zeros(512, 37).scatter(1, found_small.images, found_small.values)


def on_top(values, numbers):
    """How many of these photos are among the strongest as many, for each channel."""
    best = values.argsort(dim=1, descending=True)[:, : len(numbers)]
    return torch.isin(best, torch.as_tensor(numbers)).sum(1)


dice = torch.Generator().manual_seed(0)
results = {}
for channel, shows_it in ((c, shown) for c, (_, shown) in guesses.items()):
    numbers = [names.index(name) for name in sorted(shows_it)]
    n = len(numbers)
    lucky = torch.stack(
        [on_top(peaks, torch.randperm(37, generator=dice)[:n]).max() for _ in range(300)]
    )
    results[channel] = (
        n,
        on_top(peaks, numbers)[channel].item(),
        (lucky == n).float().mean().item(),
        lucky.float().mean().item(),
        on_top(small, numbers)[channel].item(),
    )
    print(
        f"{channel}: {results[channel][1]} of {n} on top; by dice the best channel has {results[channel][3]:.1f} of {n},"
        f" and all {n} in {results[channel][2]:.0%} of the draws"
    )
    first_six = [names[i] for i in found_small.images[channel, :6].tolist()]
    print(f"    160 pixels: {results[channel][4]} of {n};", *first_six)
its_images, its_places = found_small.images[457, :6], found_small.places[457, :6]
field_at_160 = receptive_field(net, "relu5_1", size=160)
show_sheets(
    [field_crops(small_photos[its_images], field_at_160, its_places)],
    across=6,
    columns=1,
    width=8,
)

# %% [markdown]
# For *heads* the dice say nothing. You had seen the first nine before the list was written, and a list made from the first nine of *any* channel gets all nine. Only new photos could test the word.
#
# For *wheels* the 4 of 4 hangs on the jeep, which is level with the drum. And a star looks at the *photo*, while the neuron sees a *patch*: in its strongest patch there is no wheel. That leaves 3 of 4, and in small photos the cannon falls behind as well. Things with spokes, or dark things before light ones, would do it too. This name is open.
#
# *Faces of people* is weak, too: with three photos only, luck alone finds such a channel every now and then. In smaller photos the two faces from the front stay first, but the cat and the cup of coffee come before the man in profile. A detector of faces from the front would do this. So would one of something that faces, a cat and a cup have in common. Three photos cannot decide.
#
# The network was never asked for heads: ImageNet has no class "head". Lesson 09 asks the channel itself.

# %% claim="all guesses hold at 224 pixels; by dice: never nine of nine, sometimes three of three; in small photos wheels and people lose one; in 457 the two faces from the front stay first, and cat and coffee come before the man with the camera"
for n_of, top_of, *_ in results.values():
    assert top_of == n_of
assert results[133][2] == 0
assert not {"leafhopper", "dung_beetle", "coins"} & set(of_channel[133][:12])
assert results[133][3] < 7
assert results[457][2] > 0.01
for channel_of in (98, 457):
    assert results[channel_of][4] < results[channel_of][0]
order_457, order_98 = ([names[i] for i in found_small.images[c].tolist()] for c in (457, 98))
assert set(order_457[:2]) == {"astronaut", "grace_hopper"}
assert max(order_457.index("cat"), order_457.index("coffee")) < order_457.index("camera")
assert not order_98.index("cannon") < 4

# %% [markdown]
# ## Predict, run, explain
#
# On the photo of a cup of coffee the output of channel 133 is 0 at many positions. We take such a neuron, one that is **off**, near the middle of the photo, and send it back: by the
# three rules from 1, and by the deconvnet from the activation, as Zeiler and Fergus do. Which of the four pictures will be empty? Write your answer down, then run the cell.

# %% [markdown] notes="1" minutes=4
# Votes for the empty pictures before the cell. From 1, the deconvnet draws a neuron that is off: let that sink in. Then ask what the start changes for a neuron that is on.

# %%
# a neuron that is off, sent back by the three rules
off = photos[names.index("coffee")][None]
channel_map = layer_outputs(net, off, ["relu5_1"])["relu5_1"][0, 133]
places = (channel_map == 0).nonzero()
row, column_of = places[(places - 7).square().sum(1).argmin()].tolist()  # the map is 14 x 14
pictures, titles = [off[0]], [f"row {row}, column {column_of}: {channel_map[row, column_of]:.0f}"]
drawn = {}
for rule, start in [*((rule, "one") for rule in rules), ("deconvnet", "activation")]:
    signal = backprop(net, off, "relu5_1:133", rule=rule, position=(row, column_of), start=start)
    drawn[rule, start] = signal.abs().max().item()
    pictures.append(as_picture(signal)[0])
    titles.append(f"{rule} from {'1' if start == 'one' else 'the activation'}")
    print(f"{titles[-1]}: largest {drawn[rule, start]:.2g}")
show_images(pictures, titles, columns=5, width=11)

# %% [markdown]
# Two rules ask whether the ReLU was on. It was off, so nothing passes. The deconvnet does not ask. From 1 it draws a picture for a neuron that did not respond to
# anything, and nothing in the picture says so. From the activation nothing is drawn, because the activation is 0.
#
# And for a neuron that is on? Each rule asks only for signs. If the start is $a$ times as large, with $a > 0$, every signal below is $a$ times as large, and so is the result. A picture with its own scale stays the same. So the start of Zeiler and Fergus decides *whether* one neuron is drawn and how *strongly*, not *what* is drawn.

# %% claim="off: only the deconvnet from 1 draws; on: from the activation all is a times as large"
assert drawn["deconvnet", "one"] > 0
assert drawn["gradient", "one"] == drawn["guided", "one"] == drawn["deconvnet", "activation"] == 0
activation_of = responses["relu5_1"][0, 129].max()
assert activation_of > 2
for rule_of in rules:
    from_one, from_activation = (
        backprop(net, cat, "relu5_1:129", rule=rule_of, start=way) for way in ("one", "activation")
    )
    size_of = from_activation.abs().max()
    assert (from_activation - activation_of * from_one).abs().max() < 0.001 * size_of
    assert not (from_activation - from_one).abs().max() < 0.001 * size_of

# %% [markdown] fold="Think: why do the deconvnet's pictures in the paper look better than here?"
# We do not know. Zeiler and Fergus used another network, in which a neuron of the last layer has five convolutions below it, where `relu5_1` of VGG-19 has thirteen, and many more photos to choose patches from. Max pooling remembers which position was the largest
# ("switches"), and these positions come from the photo. Springenberg et al. found that the deconvnet looks much worse in networks without pooling. But this is not the reason here: VGG-19 has four poolings below `relu5_1`.

# %% [markdown]
# ## Spot the bug
#
# Many tools change the ReLU with a *hook*: a function that PyTorch calls when a gradient arrives at a tensor. The hook is placed on the tensor that enters the ReLU. This is right as
# long as the tensor goes nowhere else. In some networks it does: where a skip branch begins at the very tensor that enters the ReLU, here $y = \max(0, x) + w\,x$. (In a ResNet it begins after the ReLU.) Then the gradient at $x$ is the **sum** of what comes through both branches. PyTorch also has hooks on *modules*; such a hook of an `nn.ReLU` sees only what comes through this ReLU.

# %% [markdown] notes="1" minutes=8
# Draw the two branches into y. Ask at which place the hook sits and what arrives there.

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

# %% uses="08.4"
# your function on the numbers of relu4_4, and relu_rule on y = relu(x) + 0.5 x
at_x = entered.clone().requires_grad_()
with relu_rule("guided"):
    y = at_x.relu() + 0.5 * at_x
(by_rule,) = torch.autograd.grad(y, at_x, arrived)
apart = (guided_with_skip(entered, arrived, 0.5) - by_rule).abs().max()
f"largest signal {by_rule.abs().max():.3f}, difference {apart:.0e}"

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
# Guided backprop gives the sharpest pictures. Are they about the neuron? Four tests. First the one that this lesson is named after:
#
# **1. Another neuron.** Five channels of `relu5_1` at *one and the same position* of the cat. They are five neurons of five channels, and see the same patch.
#
# **Predict, run, explain.** One picture for each neuron and rule. For which rules do the five pictures differ?

# %% [markdown] notes="1" minutes=10
# Take up the vote of the beginning. Five neurons, one place: let them find a difference in the bottom row. Show the eagle for strawberry without its title. Then the random VGG-19: who would have said that it has learned nothing?

# %%
# the five strongest channels at the strongest position of channel 129
maps_of_cat = responses["relu5_1"][0]
spot = divmod(maps_of_cat[129].argmax().item(), maps_of_cat.shape[2])
five = maps_of_cat[:, spot[0], spot[1]].topk(5).indices.tolist()
by_rule = {
    rule: [backprop(net, cat, f"relu5_1:{k}", rule=rule, position=spot) for k in five]
    for rule in rules
}
show_images(
    [as_picture(signal)[0] for rule in rules for signal in by_rule[rule]],
    [f"{rule}: {k}" for rule in rules for k in five],
    columns=5,
    width=11,
)


# %%
# how alike are the five, from -1 to 1? The mean cosine of all pairs
def cosine(a, b):
    return torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0).item()


alike = {}
for rule, signals_of in by_rule.items():
    of_pairs = [cosine(a, b) for i, a in enumerate(signals_of) for b in signals_of[:i]]
    alike[rule] = sum(of_pairs) / len(of_pairs)
    print(f"{rule:9} {alike[rule]:.2f}")

# %% [markdown]
# The gradients of five neurons are five pictures. Guided backprop draws *one* picture for all five, and so does the deconvnet. So what you see does not tell these neurons apart: it tells what stands at this place. (An eye.) Mahendran and Vedaldi (2016) found the same.
#
# These were the five strongest, in a deep layer. Is it so for weak ones, and nearer to the pixels?


# %%
# five channels drawn by dice from those that are on at one place, in four layers: the mean cosine of all pairs
def five_by_dice(image, layer, rule):
    """At the place of the layer's largest value."""
    spots = image.clone().requires_grad_()
    with relu_rule(rule):
        maps = forward_to(net, spots, [layer])[layer][0]
    at = divmod(maps.amax(0).argmax().item(), maps.shape[2])
    here = maps[:, at[0], at[1]]
    on = (here > 0).nonzero().flatten()
    chosen = on[torch.randperm(len(on), generator=torch.Generator().manual_seed(0))[:5]]
    sent = [torch.autograd.grad(here[k], spots, retain_graph=True)[0] for k in chosen]
    of_pairs = [cosine(a, b) for i, a in enumerate(sent) for b in sent[:i]]
    return sum(of_pairs) / len(of_pairs)


by_layer = {
    rule: {k: five_by_dice(cat, k, rule) for k in ("relu1_2", "relu2_2", "relu3_4", "relu5_1")}
    for rule in ("deconvnet", "guided")
}
for rule, of_layers in by_layer.items():
    print(f"{rule:9}", *(f"{k} {value:5.2f}  " for k, value in of_layers.items()))

# %% [markdown]
# In `relu1_2`, two convolutions from the pixels, the drawings of guided backprop still differ. In `relu2_2` they are much alike, and from `relu3_4` on they are one picture, for neurons drawn by dice, too (two photos, one place in each). The drawings of the deconvnet become one picture from `relu3_4` on, as well; in `relu2_2` they still differ.

# %% claim="five neurons at one place: guided backprop and deconvnet draw one picture, the gradient five; by dice from relu3_4 on, but not in relu1_2; in another photo, too"
assert alike["guided"] > 0.9
assert alike["deconvnet"] > 0.9
assert alike["gradient"] < 0.3
another_photo = photo("bald_eagle", 192)
for its_rule in ("guided", "deconvnet"):
    for its_layer in ("relu3_4", "relu5_1"):
        assert by_layer[its_rule][its_layer] > 0.8
    assert not by_layer[its_rule]["relu1_2"] > 0.5
assert by_layer["guided"]["relu2_2"] > 0.5
assert by_layer["guided"]["relu2_2"] > by_layer["guided"]["relu1_2"] + 0.2
assert not five_by_dice(cat, "relu3_4", "gradient") > 0.4
assert five_by_dice(another_photo, "relu3_4", "guided") > 0.8
assert not five_by_dice(another_photo, "relu1_2", "guided") > 0.5

# %% [markdown]
# The next two tests are those of lesson 07. We ask a classifier, `efficientnet_lite0`, for the class score of *bald eagle* (our VGG-19 has no classes: the course has only its convolutions).
#
# 2. **Another class.** The eagle's photo, but the score of *strawberry*.
# 3. **Random weights.** The last 10 of the 50 layers get random weights: this network has forgotten all classes. Then all layers get them, in two ways.
#
# Why two ways? Behind each convolution, this network has a *batch normalization*. It subtracts the mean that a channel had over the training photos, and divides by its spread. With random weights a channel has another mean and another spread, and the old numbers no longer fit. So the last network also gets new ones, measured on 19 of the other photos at half of their size; its scale is 1 and its shift 0. (Which of the two changes counts, we do not separate.)
# (Its ReLUs are cut off at 6. "On" then means $0 < x < 6$.)

# %%
# one row for each rule: trained, another class, random weights; in the first column the photo and its edges (the course's `edges`,
# a Sobel filter: how much the brightness changes from pixel to pixel, without any network)
classifier = load_network("efficientnet_lite0")
eagle = photo("bald_eagle")
refitted = randomized(classifier, refit=photos[::2, :, ::2, ::2])
cases = {
    "bald eagle": (classifier, "bald eagle"),
    "strawberry": (classifier, "strawberry"),
    "last 10 random": (randomized(classifier, last=10), "bald eagle"),
    "all random": (randomized(classifier), "bald eagle"),
    "all random, refitted": (refitted, "bald eagle"),
}
signals = {
    rule: [backprop(network, eagle, target, rule=rule) for network, target in cases.values()]
    for rule in rules
}
outline = edges(eagle)[0]
beside = dict(
    zip(rules, [eagle[0], (outline / outline.max())[None], torch.ones(3, 224, 224)], strict=True)
)
rows, titles = [], []
for rule, beside_it in beside.items():
    rows += [beside_it, *(as_picture(signal)[0] for signal in signals[rule])]
    titles += ["", *(f"{rule}: {name}" if name == "bald eagle" else name for name in cases)]
titles[0], titles[6] = "photo", "its edges"
show_images(rows, titles, columns=6, width=12)

# %%
# the same in numbers: rank correlation of |signal| with the one of the trained network for 'bald eagle'; and edges alone
same = {}
for rule, (trained_one, *others) in signals.items():
    for name, other in zip(list(cases)[1:], others, strict=True):
        same[rule, name] = rank_correlation(trained_one.abs().amax(1), other.abs().amax(1))
        print(f"{rule:9} {name:21} {same[rule, name]:.2f}")
    same[rule, "edges"] = rank_correlation(trained_one.abs().amax(1), edges(eagle))
    print(f"{rule:9} {'(edges alone)':21} {same[rule, 'edges']:.2f}")
of_goose = backprop(classifier, photo("goose"), "bald eagle", rule="deconvnet")
grids_apart = (signals["deconvnet"][0] - of_goose).abs().max().item()
print(f"the deconvnet's drawing of the eagle, less the one of the goose: at most {grids_apart:.0e}")

# %% [markdown]
# Read the row of guided backprop. The eagle is still there when you ask for a strawberry. It is still there when the network has forgotten every class. The numbers are close to 1: it is the *same
# picture*. So it cannot be about the class.
#
# With all layers random only dots are left. It looks as if this test was passed at last. But the batch normalization of this network has numbers of the old weights: mean, spread, and a scale and a shift for each channel. With scale 1, shift 0 and a mean and spread that fit, a network with random weights (only each layer's mean and spread are old) draws the eagle's head, claws and tail, and the number rises again. (The wings are missing: it is not the trained network's picture. For guided backprop, edges alone reach nearly this number.) The deconvnet draws a grid, and no eagle: this network has no max pooling, so no switches, and nothing else in it depends on the photo. For a goose it draws the very same. Its 1.00 compares one grid with itself. (Springenberg et al. found this, too.)

# %% claim="guided: the same for another class and with the last layers random; all random: not, but with refitted normalization more than half; the gradient changes in every case"
assert same["guided", "strawberry"] > 0.9
assert same["guided", "last 10 random"] > 0.9
assert same["guided", "all random"] < 0.4
assert same["guided", "all random, refitted"] > 0.5
assert abs(same["guided", "all random, refitted"] - same["guided", "edges"]) < 0.2
assert names.index("bald_eagle") % 2 == 1
assert grids_apart == 0
guided_goose = backprop(classifier, photo("goose"), "bald eagle", rule="guided")
assert not torch.equal(signals["guided"][0], guided_goose)
assert same["deconvnet", "strawberry"] > 0.9
assert same["deconvnet", "last 10 random"] > 0.8
for name_of in ("strawberry", "last 10 random", "all random", "all random, refitted"):
    assert not same["gradient", name_of] > 0.5

# %% [markdown]
# VGG-19 has no batch normalization, so there the test is simple. Nie, Zhang and Patel (2018) showed with mathematics that guided backprop in a random network partly recovers the image. Let us look. A single neuron would be a bad witness for the *size* of a signal: every drawing of it is strong in the middle of its field and weak at the rim, by any rule and with any weights.
# So we send the *mean of a whole map* back: channel 5 of `conv5_4`, the last convolution (before its ReLU, so that all networks start from the same numbers). All weights are random, once as He et al. (2015) draw them, with all biases 0 (the signal keeps its size), once by `randomized` (each layer keeps the mean and spread of its weights, *and its biases*). So only the network of He has truly learned nothing.

# %%
# the mean of one map of VGG-19: trained, and with all weights random
networks = {
    "trained": net,
    "random (He)": randomized(net, scale="he"),
    "random (randomized)": randomized(net),
}
small_eagle = photo("bald_eagle", 160)


def whole_map(one, images, rule, channel=5):
    """The mean of one channel of conv5_4, sent back to the pixels."""
    pixels = images.clone().requires_grad_()
    with relu_rule(rule):
        maps = forward_to(one, pixels, ["conv5_4"])["conv5_4"]
    return torch.autograd.grad(maps[:, channel].mean(), pixels)[0]


drawings = {
    (rule, name): whole_map(one, small_eagle, rule)
    for rule in rules
    for name, one in networks.items()
}
show_images(
    [as_picture(signal)[0] for signal in drawings.values()],
    [f"{rule}: {name}" for rule, name in drawings],
    columns=3,
    width=8,
)


# %%
# in numbers: |signal| against the trained network's and against edges (ranks); the signed signal against the photo, and against the goose
def correlation(a, b):
    return torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item()


gray, other_gray = small_eagle.mean(1), photo("goose", 160).mean(1)
numbers = {}
print(f"the eagle's photo and the goose's: {correlation(gray, other_gray):.2f}")
print(f"{'':32} trained   edges   photo   goose")
for (rule, name), signal in drawings.items():
    size = signal.abs().amax(1)
    numbers[rule, name] = (
        rank_correlation(size, drawings[rule, "trained"].abs().amax(1)),
        rank_correlation(size, edges(small_eagle)),
        correlation(signal.mean(1), gray),
        correlation(signal.mean(1), other_gray),
    )
    print(f"{rule:9} {name:22}" + "".join(f"{value:8.2f}" for value in numbers[rule, name]))

# %% [markdown]
# The random networks draw the eagle, pale head, yellow claws and all, and nothing of the goose. (Trust the rows of He: with `randomized` alone the gradient without any rule has a part of the photo, too: 0.23 in the table.) The one of He has never seen a photo before. Is this luck with the weights, or with a bird before a plain background?

# %%
# other random weights, and photos that are full: the signed signal against its photo
draws = {}
for seed, name in ((1, "jeep"), (2, "china")):
    full = photo(name, 160)
    drawn_anew = {
        "trained": net,
        "random (He)": randomized(net, scale="he", seed=seed),
        "random (randomized)": randomized(net, seed=seed),
    }
    for kind, one in drawn_anew.items():
        for rule in ("gradient", "guided"):
            signed = whole_map(one, full, rule).mean(1)
            draws[rule, kind, name] = correlation(signed, full.mean(1))
        of_both = [draws[rule, kind, name] for rule in ("gradient", "guided")]
        print(f"{name:6} {kind:22} gradient {of_both[0]:5.2f}   guided {of_both[1]:5.2f}")

# %% [markdown]
# By guided backprop a random network is nearer to the photo in signed brightness than the trained one, each time: 0.7 and more against 0.3 to 0.45. The plain gradient stays near 0 in the trained network, and is small with He's weights. But with those of `randomized` it has 0.2 to 0.45, with no rule at all. We come back to this.
#
# **4. Forget layer by layer**, from the last convolution down to the first (Adebayo et al., 2018, call it *cascading randomization*).

# %%
# guided backprop (top), the deconvnet and the gradient, when the last 0, 1, 8, 12, 16 of the 16 convolutions are random
counts = (0, 1, 8, 12, 16)
partly_random = {count: randomized(net, last=count, scale="he") for count in counts}
cascade = {
    (rule, count): whole_map(partly_random[count], small_eagle, rule)
    for rule in ("guided", "deconvnet", "gradient")
    for count in counts
}
kept = {
    (rule, count): rank_correlation(signal.abs().amax(1), cascade[rule, 0].abs().amax(1))
    for (rule, count), signal in cascade.items()
}
show_images(
    [as_picture(signal)[0] for signal in cascade.values()],
    [f"{rule}, {count}: {kept[rule, count]:.2f}" for rule, count in cascade],
    columns=5,
    width=11,
    title="how many of the last layers are random, and the rank correlation with the trained network's",
)

# %% [markdown]
# The gradient is another one as soon as the last layer is random. (One random layer means: we ask another neuron. Guided backprop does not notice.) Guided backprop and the deconvnet keep their pictures with half of the layers random. Below that, take care: edges alone have 0.64 with the trained drawing of guided backprop (table above). With 12 random layers guided backprop is not far above this, and with all 16 below, though one still sees an eagle.
#
# **Why?** Take the rule away in a part of the network, and look at what goes. In the lower layers (up to `relu2_2`) and in the upper ones we use guided backprop or the plain gradient, and ask two things: how near is the picture to the photo, and how near is the picture of *another channel* (77 in place of 5)? In the two rows "dice", dice stop as many signals as the rule would, but without looking at their sign.


# %%
# guided backprop below, above, in both, in none of them, and dice: trained, and with He's random weights
def in_parts(one, below, above, channel, last_below=10):
    """The mean of a map of conv5_4, with one rule up to relu2_2 and one above."""
    pixels = small_eagle.clone().requires_grad_()
    throws = torch.Generator().manual_seed(0)  # the same for every channel

    def by_dice(R):
        return R * (torch.rand(R.shape, generator=throws) < (R > 0).sum() / (R != 0).sum())

    maps = one.normalize(pixels)
    for number, stage in enumerate(one.model.features[:35]):  # features.34 is conv5_4
        rule = below if number < last_below else above
        with relu_rule("gradient" if rule == "dice" else rule):
            maps = stage(maps)
        if rule == "dice" and isinstance(stage, torch.nn.ReLU):
            maps.register_hook(by_dice)
    return torch.autograd.grad(maps[:, channel].mean(), pixels)[0]


two_rules = [(below, above) for below in ("guided", "gradient") for above in ("guided", "gradient")]
to_try = [(*pair, kind) for pair in (*two_rules, ("dice", "dice")) for kind in list(networks)[:2]]
parts = {}
for below, above, kind in (*to_try, ("gradient", "gradient", "random (randomized)")):
    one, other = (in_parts(networks[kind], below, above, c) for c in (5, 77))
    parts[below, above, kind] = correlation(one.mean(1), gray), cosine(one, other)
    ends = "photo {:5.2f}, channel 77 {:5.2f}".format(*parts[below, above, kind])
    print(f"below {below:8} above {above:8} {kind:20} {ends}")

# %% [markdown]
# With guided backprop *above*, the pictures of two channels are the same, whatever happens below; with it only below they are still alike (0.77, and 0.96 with random weights). With guided backprop anywhere, the picture has a part of the photo. With the gradient in both, neither holds for these two networks, and dice do not bring it back: stopping as many signals is not enough, whatever their sign. (The rule does two things at once: it stops the negative ones, and so all that goes on is positive. Which of the two counts, this table does not separate.) (The last line is a warning. With the weights of `randomized` the plain gradient, too, draws one picture for both channels. There the weights are enough, and a rule cannot be judged.)
#
# In words: at each ReLU a negative *sum* is stopped. What goes on is never negative, and such signals of different neurons become alike on their way (Sixt, Granz and Landgraf, 2020, prove it for products of matrices without negative numbers, and measure it for guided backprop and the deconvnet). What is left of the photo can come from the ReLUs that are on, and from the switches of max pooling. Mahendran and Vedaldi took them apart. So do we:

# %%
# no switches: average pooling in place of max pooling, in a copy of the trained network
no_switches = randomized(net, last=0)
for number, stage in enumerate(no_switches.model.features):
    if isinstance(stage, torch.nn.MaxPool2d):
        no_switches.model.features[number] = torch.nn.AvgPool2d(2)
without = {}
for rule in ("deconvnet", "guided"):
    two = [whole_map(no_switches, image, rule) for image in (small_eagle, photo("goose", 160))]
    without[rule] = (
        ((two[0] - two[1]).abs().max() / two[0].abs().max()).item(),
        correlation(two[0].mean(1), gray),
    )
    print("{:9} eagle less goose {:.2f} of the largest, photo {:.2f}".format(rule, *without[rule]))

# %% [markdown]
# Without switches the deconvnet draws the same for any photo: all that it had of the eagle came through them. For guided backprop the ReLUs are enough.
#
# **And the gradient?** It changes with the neuron and with the class. But *noise* would pass all four tests as well. They can show that a picture is not about the neuron; they cannot show that it is. For that, change the pixels and look at the neuron. We go a small step along each picture of test 1. (Its length is 0.25 over all pixels: 0.00075 for each number, if it were spread evenly. The pictures of the rules are not: they lie on the eye.)

# %%
# a small step from the cat along each picture: by how much does each of the five neurons change?
noise = torch.randn(5, 3, 192, 192, generator=torch.Generator().manual_seed(0))
noise = noise * (by_rule["deconvnet"][0] != 0)  # only where the neurons see something
before = maps_of_cat[five, spot[0], spot[1]]
change = {}
for way, along in {**by_rule, "noise": list(noise[:, None])}.items():
    moved = torch.cat([cat + 0.25 * picture / picture.norm() for picture in along])
    with torch.no_grad():
        after = forward_to(net, moved, ["relu5_1"])["relu5_1"][:, five, spot[0], spot[1]]
    change[way] = after / before - 1  # row: along whose picture; column: which neuron
    own, foreign = change[way].diagonal(), change[way][~torch.eye(5, dtype=torch.bool)]
    print(
        f"{way:9} its own neuron {own.min():+.1%} to {own.max():+.1%};"
        f" the four others on average {foreign.mean():+.1%}"
    )

# %% [markdown]
# The gradient raises its own neuron by 15 to 33 percent, and the four others hardly. Guided backprop and the deconvnet raise it by a few percent, on average no more than the four others; noise changes nothing. For the gradient this had to come out: it is the steepest direction, in any network. For the two rules it follows from test 1: five pictures that are one picture raise the five neurons by the same on average. New is only that they do raise them, all five. (More contrast on the eye might do the same; noise, spread over the whole photo, is no control for that.) It says what a *small* step does, as a derivative must; it does not say what the neuron looks for.
#
# **A clear picture is not evidence.**

# %% claim="a small step along the gradient raises its own neuron, and far less the others; guided backprop, deconvnet and noise do not"
assert change["gradient"].diagonal().min() > 0.13
assert change["gradient"].diagonal().max() < 0.4
others_of = ~torch.eye(5, dtype=torch.bool)
assert change["gradient"].diagonal().mean() > 4 * change["gradient"][others_of].mean().abs()
for its_way in ("guided", "deconvnet"):
    assert not change[its_way].diagonal().max() > 0.1
    assert change[its_way].diagonal().mean() > 0.01
    assert not change[its_way].diagonal().mean() > 1.5 * change[its_way][others_of].mean()
assert change["noise"].abs().max() < 0.01
assert abs(cosine(noise[0], noise[1])) < 0.1

# %% claim="without switches the deconvnet draws the same for any photo, guided backprop does not"
assert without["deconvnet"][0] == 0
assert not without["guided"][0] < 0.5
assert without["guided"][1] > 0.4
assert not abs(without["deconvnet"][1]) > 0.15

# %% claim="random VGG-19: guided backprop is the photo, more than trained, not another photo, for three draws and photos; the gradient is not; the sign is needed, dice are not enough"
for name_of in ("random (He)", "random (randomized)"):
    assert numbers["guided", name_of][2] > 0.6
    assert numbers["guided", name_of][2] > 1.2 * numbers["guided", "trained"][2]
    assert not numbers["guided", name_of][3] > 0.2
    assert not abs(numbers["gradient", name_of][2]) > 0.5
    assert numbers["guided", name_of][0] > numbers["gradient", name_of][0] + 0.1
for photo_of in ("jeep", "china"):
    for kind_of in ("random (He)", "random (randomized)"):
        assert draws["guided", kind_of, photo_of] > 0.65
        assert draws["guided", kind_of, photo_of] > 1.4 * draws["guided", "trained", photo_of]
        assert 0.2 < draws["guided", "trained", photo_of] < 0.5
    assert abs(draws["gradient", "trained", photo_of]) < 0.1
    assert not abs(draws["gradient", "random (He)", photo_of]) > 0.25
    assert draws["gradient", "random (randomized)", photo_of] > 0.2
for its_name in ("trained", "random (He)"):
    for its_below in ("guided", "gradient"):
        assert parts[its_below, "guided", its_name][1] > 0.9
    assert parts["guided", "gradient", its_name][1] > 0.6
    for both_ways in (("guided", "guided"), ("guided", "gradient"), ("gradient", "guided")):
        assert parts[(*both_ways, its_name)][0] > 0.2
    for both_ways in (("gradient", "gradient"), ("dice", "dice")):
        assert not abs(parts[(*both_ways, its_name)][0]) > 0.15
        assert not parts[(*both_ways, its_name)][1] > 0.4
assert parts["gradient", "gradient", "random (randomized)"][1] > 0.9

# %% claim="with the last layer random the gradient is another one, guided backprop the same; guided keeps more all the way down"
assert kept["gradient", 1] < 0.5
assert kept["guided", 1] > 0.9
assert kept["guided", 8] > 0.85 and kept["deconvnet", 8] > 0.85
assert kept["guided", 16] < numbers["guided", "trained"][1] < kept["guided", 12]
for count_of in counts[1:]:
    assert kept["guided", count_of] > kept["gradient", count_of] + 0.1

# %% [markdown] fold="Think: is guided backprop useless, then?"
# No. It is quick, and shows clearly what stands at a place. It does not say *why* the network chose a class. For a neuron of
# `relu5_1` at one position, the place is set by the neuron's receptive field. Look again at the picture of the beginning: in the nine drawings of channel 133 you saw heads because there *are* heads in these patches. What evidence there was for "heads" came from the ranking of the photos, not from the drawings, and it did not test the word. A drawing that is not empty does say that this neuron was on. Among those that are on at this place, it does not tell which one you sent back.

# %% [markdown]
# ## One more step: a picture from signed numbers
#
# A gradient has positive and negative numbers. You saw it with 0 as middle gray. The choice matters: a display that stretches each picture from its smallest to its largest value
# shows another gray for 0 in every picture.

# %% [markdown] notes="1" minutes=5
# Stretch a picture from its smallest to its largest value first, and ask where 0 has gone.

# %% [markdown] exercise="08.5" title="Signed numbers as a picture" points=1 difficulty=1 importance=2 minutes=6 own="course_utils.gradients:as_picture"
# Turn a batch of signed gradients into pictures in [0, 1]: 0 becomes 0.5, and in each image the number with the largest **absolute value** becomes 1 if it is positive and 0 if it is negative; all between is in proportion. Each
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
# your picture of the eye, by guided backprop. (The course's as_picture divides by the 99.9th percentile in place of the
# largest value, and cuts off: a few extreme pixels would leave the rest gray.)
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
# - The rule belongs to the ReLU. A tool that misses `F.relu` or ReLU6, or applies the rule to the sum of two branches, is silently wrong.
# - From 1 or from the activation: for one neuron that is on, only the strength of the drawing changes. A neuron that is off should not be drawn.
# - A name for a channel is a guess. Say before which photos should be on top, rank all photos, and compare with luck.
# - Guided backprop shows what stands in a neuron's field. From `relu3_4` of VGG-19 on it draws one picture for the neurons at one place; it hardly depends on the class or on the upper layers, and a network with random weights draws the photo, too. The deconvnet, too, draws one picture for the neurons at one place, from `relu3_4` on (in `relu2_2` not yet). With random weights it has little of the photo.
# - Tests of this kind can reject a picture. Noise passes them. To see whether a picture is about a neuron, change the pixels and look at the neuron.
#
# **Papers.** Zeiler, Fergus: *Visualizing and Understanding Convolutional Networks*, ECCV 2014. Simonyan, Vedaldi, Zisserman: *Deep Inside Convolutional Networks*, ICLR Workshop 2014. Springenberg, Dosovitskiy, Brox, Riedmiller: *Striving for Simplicity: The All Convolutional Net*, ICLR Workshop 2015. Mahendran, Vedaldi: *Salient Deconvolutional Networks*, ECCV 2016. Adebayo et al.: *Sanity Checks for Saliency Maps*, NeurIPS 2018. Nie, Zhang, Patel: *A Theoretical Explanation for Perplexing Behaviors of Backpropagation-based Visualizations*, ICML 2018. Sixt, Granz, Landgraf: *When Explanations Lie: Why Many Modified BP Attributions Fail*, ICML 2020. He, Zhang, Ren, Sun: *Delving Deep into Rectifiers*, ICCV 2015 (the random weights).
