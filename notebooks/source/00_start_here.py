# %% [markdown] lesson="00" title="Start here: what does a network see?" minutes=30
# You will be able to: run a real ImageNet network on your own photos, read its answer, and hand in an exercise. You will see one picture from each lesson of this course.

# %% tags=["setup"]
import torch

from course_utils import (
    check,
    gallery,
    labelled_photos,
    load_image,
    load_network,
    photo,
    quiz,
    show_heat,
    show_images,
)
from course_utils.figures import show_filters
from course_utils.filters import filter_weights
from course_utils.gradients import saliency, segment, smoothgrad
from course_utils.gradients.segmentation import blur
from course_utils.places import data_file
from course_utils.plots import show_predictions

# %%
# a real network on four photos: EfficientNet-Lite0, trained on 1.3 million photos of 1000 classes
net = load_network("efficientnet_lite0")
photos = torch.cat([photo(name) for name in ("bald_eagle", "cannon", "coffee", "cat")])
show_predictions(photos, net.predict(photos))

# %% [markdown]
# The network runs on your computer, and nothing was downloaded. Two of its answers are surely right. For the cup, and for the cat, look at all three lines: which words would you accept? (In the cup is an espresso, so its first two words are both fair; a label is one word only. The three names of the cat are three kinds of cats, and together they have nine tenths.)
#
# A network with 4.7 million numbers inside turned 150,528 pixel values into 1000 class scores. **How?** This is the question of the course. It asks the network in three ways, the three parts of
# the lecture *Visualizing and Understanding*, and ends with what one can do with the answers:
#
# | part | question | lessons |
# |---|---|---|
# | **filters** | What do the weights look like? | 01 |
# | **activations** | What happens inside when it sees a photo? | 02 to 06 |
# | **gradients** | What would change its answer? What would it like to see? | 07 to 11 |
# | **fun** | What pictures can it make? | 12 to 15 |
#
# Lesson 16 takes one prediction apart, with most of this. Here is one picture from every lesson, made beforehand. The number is the lesson's; 00 is the photo itself.

# %% claim="the eagle and the cannon are named right, by 4.7 million numbers from 150,528 pixel values"
first_names = [one[0][0] for one in net.predict(photos)]
assert first_names[0] == "bald eagle"
assert first_names[1] == "cannon"
assert abs(sum(p.numel() for p in net.parameters()) - 4.7e6) < 0.1e6
assert photos[0].numel() == 150_528
of_cup, of_cat = net.predict(photos)[2:]
assert [word for word, _ in of_cup[:2]] == ["espresso", "cup"]
assert {word for word, _ in of_cat[:3]} == {"tiger cat", "Egyptian cat", "tabby"}
assert sum(share for _, share in of_cat[:3]) > 0.85

# %%
# one picture from every lesson
show_images(load_image(data_file("strip/strip.jpg"), None), width=11)

# %% [markdown] notes="1" minutes=3
# Ask for guesses before you run the first cell: what will the network say for the cat? Then let two people name a photo from the gallery.

# %% [markdown]
# ## How the course works
#
# - Run a cell with **Shift + Enter**. *Run → Run All Cells* also works: a cell that needs a function you have not written yet says `NotImplementedError` and the notebook goes on.
# - Every lesson begins with a picture, then you build its method yourself on a tiny network, then you use it on a real one.
# - An exercise is a function. Replace the line `raise NotImplementedError(...)`. The last line, `check(...)`, tells you at once whether it is right, and if not, what was expected and the likeliest cause.
# - Hints are folded, like this one:

# %% [markdown] notes="1" minutes=1
# Show Shift + Enter once, and open the hint. Say that a red cell is normal here: it waits for a function.

# %% [markdown] fold="Open me"
# Hints come in steps: first an idea, then usual error messages, then the picture you should get. Open as many as you need.

# %% [markdown]
# ## What goes in: a tensor
#
# A batch of images is a tensor of shape $(N, 3, H, W)$: $N$ images, three colors (red, green, blue), $H$ rows and $W$ columns. Every value lies between 0 (dark) and 1 (bright). This is so everywhere in the course.

# %% [markdown] notes="1" minutes=2
# Type the shape first and let the room name each of the four numbers. The common slip is height and width before the
# colors.

# %%
# what a photo is
eagle = photo("bald_eagle")
print(eagle.shape, eagle.dtype, f"from {eagle.min():.2f} to {eagle.max():.2f}")
eagle[0, :, 100:102, 100:103]

# %% [markdown]
# ## In the head first
#
# An image of 1 × 2 pixels: the left one is red $(1, 0, 0)$, the right one is yellow $(1, 1, 0)$. Its tensor has the shape $(1, 3, 1, 2)$. What are its six numbers, in the order in which PyTorch prints them? What is their mean? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=4
# One minute of silence with pencil and paper before you run the cell. Then type the exercise wrongly on purpose,
# `dim=1`, and read aloud what `check` says.

# %%
# a red and a yellow pixel: color first, then rows, then columns
tiny = torch.tensor([[[[1.0, 1.0]], [[0.0, 1.0]], [[0.0, 0.0]]]])
print(tiny.shape, tiny.flatten().tolist(), f"mean {tiny.mean():.3f}")
show_images(tiny, width=2)

# %% [markdown] exercise="00.1" title="Meet check: the brightness of images" points=1 difficulty=1 importance=1 minutes=4
# Return one number for each image: the mean of all its values. Run the cell once before you write anything, and once with a mistake, to see what `check` says.


# %% exercise="00.1"
def brightness(images):
    """The mean value of each image.

    images: (N, 3, H, W)
    returns: (N,)
    """
    ### BEGIN SOLUTION
    return images.mean(dim=(1, 2, 3))
    ### END SOLUTION


check("00.1", brightness)

# %% [markdown] fold="Hint"
# `images.mean(dim=...)` takes a tuple of dimensions. Which of the four should disappear?

# %% picture="00.1"
# the labelled photos of the gallery, from dark to bright, by your function
everything, labels, names = labelled_photos(112)
order = brightness(everything).argsort()
show_images(everything[order], [names[i] for i in order], columns=7)

# %% [markdown]
# ## What the network does first: normalize
#
# Networks are trained on numbers around 0. So the first step inside is $(x - \text{mean}) / \text{std}$, with one mean and one standard deviation for each color. `net` does this itself; you hand in plain images.

# %% [markdown] notes="1" minutes=4
# Run the stub with an image of width 5 and read the error. Then ask why width 3 gives no error and a wrong answer: that
# is the dangerous case.

# %% [markdown] exercise="00.2" title="Spot the bug: one mean for each color" points=2 difficulty=2 importance=3 minutes=6 own="course_utils.networks.network:Network.normalize"
# This line runs without an error for images of width 3, and stops with an error for most others. For width 3 it is wrong. Mend it, so that it is right for every size.


# %% exercise="00.2"
def normalize(images, mean, std):
    """Subtract a mean and divide by a standard deviation, color by color.

    images: (N, 3, H, W), mean: (3,), std: (3,)
    returns: (N, 3, H, W)
    """
    ### BEGIN SOLUTION
    return (images - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    ### END SOLUTION
    ### BEGIN STUB
    # return (images - mean) / std
    ### END STUB


check("00.2", normalize)

# %% [markdown] fold="Hint"
# Broadcasting lines up shapes from the right: a tensor of shape `(3,)` meets the *columns*. `mean.view(3, 1, 1)` meets the colors.

# %% uses="00.2"
# your line in the network's place: how far are the scores from its own? And without any such step?
by_you = net.model(normalize(eagle, net.mean.flatten(), net.std.flatten()))
print(f"your line: apart by at most {(by_you - net(eagle)).abs().max():.0e}")
print(f"without the step: apart by up to {(net.model(eagle) - net(eagle)).abs().max():.1f}")

# %% [markdown]
# ## What comes out: scores, and probabilities
#
# The network returns one **score** $S_c$ for every class $c$: any number, large if it believes in the class. The **softmax** turns scores into probabilities, which lie between 0 and 1 and add up to 1:
#
# $$p_c = \frac{e^{S_c}}{\sum_k e^{S_k}} .$$

# %% [markdown] notes="1" minutes=8
# Type the softmax without the subtraction first. `check` finds the infinity; let the room find the cure. Leave exercise
# 00.4 to them.

# %%
# scores and probabilities of the eagle
scores = net(eagle)
probabilities = scores.softmax(1)
print(f"{scores.shape}: from {scores.min():.1f} to {scores.max():.1f}")
print(f"largest probability {probabilities.max():.2f}, sum {probabilities.sum():.2f}")
net.predict(eagle)[0]

# %% [markdown] exercise="00.3" title="The softmax, without infinity" points=2 difficulty=2 importance=3 minutes=8
# Write the formula for a batch of scores, one row for each image. There is a trap: $e^{1000}$ is infinity for a computer. Your function should also be right for scores near 2000 and near −2000.


# %% exercise="00.3"
def softmax(scores):
    """Probabilities from scores, row by row.

    scores: (N, classes), any size
    returns: (N, classes), every row adds up to 1
    """
    ### BEGIN SOLUTION
    largest = scores.amax(dim=1, keepdim=True)
    powers = (scores - largest).exp()
    return powers / powers.sum(dim=1, keepdim=True)
    ### END SOLUTION


check("00.3", softmax)

# %% [markdown] fold="Hint"
# Subtract the largest score of each row before the exponential: the factor $e^{-\max}$ stands above and below the fraction, so the probabilities stay the same. `keepdim=True` keeps the shape `(N, 1)`, which broadcasts.

# %% uses="00.3"
# your softmax on the scores of the eagle, as they are and a hundred times as large; and the formula as it stands
for factor in (1, 100):
    by_you, raised = softmax(factor * scores), (factor * scores).exp()
    by_formula = (raised / raised.sum()).max()
    print(
        f"scores x {factor}: largest {by_you.max():.2f}, sum {by_you.sum():.2f}; by the formula {by_formula:.2f}"
    )

# %% [markdown] solution="00.3"
# After the subtraction the largest exponential is $e^0 = 1$: nothing can become infinite, and the sum is at least 1, so there is no division by 0.

# %% [markdown] exercise="00.4" title="The k best classes" points=1 difficulty=1 importance=2 minutes=4 own="course_utils.networks.network:Network.predict"
# Return the indices of the `k` highest scores in each row, best first.


# %% exercise="00.4"
def top_classes(scores, k):
    """The k classes with the highest scores.

    scores: (N, classes), k: a number
    returns: (N, k) class indices, best first
    """
    ### BEGIN SOLUTION
    return scores.topk(k, dim=1).indices
    ### END SOLUTION


check("00.4", top_classes)

# %% [markdown] fold="Hint"
# Look at `torch.topk`: it returns values and indices.

# %% uses="00.4"
# your function on all 20 labelled photos: is the right class among the best 1, among the best 5?
everything, labels, names = labelled_photos()
best = top_classes(net(everything), 5)
truth = torch.tensor(labels)[:, None]
print(
    f"right at first: {(best[:, :1] == truth).any(1).sum()} of 20, among the first five: {(best == truth).any(1).sum()} of 20"
)

# %% [markdown]
# ## Predict, run, explain
#
# The next cell shows the network the eagle photo four times: as it is, turned upside down, in gray, and with its blocks of 56 × 56 pixels shuffled. Before you run it, write down: for which of the four will it still say "bald eagle"?

# %% [markdown] notes="1" minutes=2
# Hands up for each of the four photos, and write the counts on the board, before the cell runs.

# %%
# the same photo, changed
blocks = eagle.unfold(2, 56, 56).unfold(3, 56, 56).reshape(3, 16, 56, 56)
shuffled = blocks[:, torch.randperm(16, generator=torch.Generator().manual_seed(1))]
shuffled = shuffled.reshape(3, 4, 4, 56, 56).permute(0, 1, 3, 2, 4).reshape(1, 3, 224, 224)
changed = torch.cat(
    [eagle, eagle.flip(2), eagle.mean(1, keepdim=True).expand(-1, 3, -1, -1), shuffled]
)
show_predictions(changed, net.predict(changed))

# %% [markdown]
# Upside down, and without its colors, the eagle becomes another bird. So colors count for this network, and which way is up. Compare with what you wrote down. Shuffled, it is still a bird for the network, and so it is in four other random orders of the blocks (in one of them a *bald eagle*). So what did the network recognize: the shape of the animal, or pieces of it? Lesson 06 hides parts of a photo to find out, lesson 13 shows what is left when all positions are thrown
# away.

# %% claim="upside down and in gray the network names another bird; shuffled in five orders always a bird, in one of them a bald eagle"
upright, upside_down, in_gray, first_order = (one[0][0] for one in net.predict(changed))
birds = net.categories[7:25] + net.categories[80:101] + net.categories[127:147]
assert upright == "bald eagle"
assert upside_down != upright
assert upside_down in birds
assert in_gray != upright
assert in_gray in birds
assert first_order in birds and first_order != upright
named = []
for order_seed in range(2, 6):
    order_here = torch.randperm(16, generator=torch.Generator().manual_seed(order_seed))
    mixed = blocks[:, order_here].reshape(3, 4, 4, 56, 56).permute(0, 1, 3, 2, 4)
    named.append(net.predict(mixed.reshape(1, 3, 224, 224))[0][0][0])
assert all(name in birds for name in named)
assert named.count(upright) == 1

# %% [markdown]
# ## One picture from each part
#
# **Filters.** The weights of the first layer, as pictures (lesson 01).

# %% [markdown] notes="1" minutes=3
# Do not explain the methods. One sentence for each picture: which question does it ask the network?

# %%
# the 64 first-layer filters of VGG-19
vgg = load_network("vgg19")
show_filters(filter_weights(vgg), columns=16)

# %% [markdown]
# **Activations.** What some units of the network do with a photo (lesson 02): each unit draws its own map, bright where it finds what it looks for.

# %%
# the eagle, and six units of VGG-19's layer relu3_1
from course_utils import layer_outputs

maps = layer_outputs(vgg, eagle, ["relu3_1"])["relu3_1"][0]
strongest = maps.amax((1, 2)).topk(6).indices
show_images(
    [eagle[0], *maps[strongest]], ["photo", *[f"unit {i}" for i in strongest.tolist()]], columns=7
)

# %% [markdown]
# **Gradients.** Which pixels matter for the answer (lesson 07)?

# %%
# saliency, for two photos
some = torch.cat([eagle, photo("goose")])
show_heat(some, smoothgrad(net, some, samples=12))

# %% [markdown]
# **And from there** to a cut-out. The network saw no outline in its training. Its map marks a few pixels as object and others as background; a classical program, GrabCut, then finds the
# outline between them by color. It is not perfect: look at the end of the barrel.

# %%
# segmentation from saliency
gun = photo("cannon")
mask = segment(gun, blur(smoothgrad(net, gun, samples=12)[0], 4))
show_images([gun[0], gun[0] * mask + (1 - 0.2 * gun[0]) * ~mask], ["photo", "cut out"])

# %% [markdown]
# **Fun.** Change a photo so that a deep layer becomes more active, and you see what the layer would like to see (lesson 12).

# %%
# the layer relu5_2 dreams of the cat photo (a few seconds)
from course_utils.fun import deepdream

cat = photo("cat", 160)
dream = deepdream(vgg, cat, octaves=3, steps=6, step_size=4 / 255, progress=False)
show_images([cat[0], dream[0]], ["photo", "dream"])

# %% [markdown]
# `course tour --image your_photo.jpg`, typed in a terminal, runs every method of the course on one photo of yours.
#
# ## Your own photos
#
# The gallery holds these photos, with license and source. `photo("path/to/your.jpg")` reads a file of yours, everywhere in the course; `load_folder("a/folder")` reads a whole folder.

# %% [markdown] notes="1" minutes=1
# If somebody has a photo at hand, use it. Otherwise take a name from the gallery that the room chooses.

# %%
# the gallery
gallery()

# %%
# put the path of your own photo here
mine = photo("coffee")
show_predictions(mine, net.predict(mine), k=5)

# %% [markdown]
# ## What these pictures do not show
#
# A picture is not an explanation. Here is a small check that the course repeats in many forms: ask another question, and see whether the picture changes. If it does not, it does not answer your question. Below, the plain saliency map of the class in the photo, and of a class that is not in it.

# %% [markdown] notes="1" minutes=1
# Ask before the cell: if you did not know the titles, which map belongs to the right class?

# %%
# the map of the right class, and of a wrong one
two = saliency(net, torch.cat([gun, gun]), ["cannon", "goldfish"])
show_images([gun[0], *two], ["photo", "why cannon?", "why goldfish?"], vmin=0, cmap="inferno")

# %% [markdown]
# They look alike: the same places are bright. So the bright pixels alone do not say "this is a cannon"; you need to know what a map shows and what it does not. Lesson 07 takes this up.

# %% claim="the maps of two classes for one photo are alike; the maps of one class for two photos are not"
other_photo = saliency(net, eagle, ["cannon"])
places = [blur(one, 4).flatten() for one in (two[0], two[1], other_photo[0])]
same_photo, same_class = (torch.corrcoef(torch.stack(p))[0, 1] for p in (places[:2], places[::2]))
assert same_photo > 0.6
assert not same_class > 0.4

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=2
# By show of hands. The explanation of a wrong answer is worth more than the right one: click it, too.

# %%
# four questions, with an explanation for every answer
quiz("00")

# %% [markdown]
# ## Summary
#
# - An image is a tensor $(N, 3, H, W)$ in [0, 1]; a network turns it into one score for each class; the softmax turns scores into probabilities.
# - `check` tells you what is wrong with a function, and why.
# - Go on with lesson 01, or with the lesson you came for: each says which others it needs.
#
# **Papers.** Tan, Le: *EfficientNet*, ICML 2019. Russakovsky et al.: *ImageNet Large Scale Visual Recognition Challenge*, IJCV 2015. Zeiler, Fergus: *Visualizing and Understanding Convolutional Networks*, ECCV 2014.
