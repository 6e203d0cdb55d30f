# %% [markdown] lesson="07" title="Saliency maps: which pixels matter for a class?" minutes=104 needs="00"
# You will be able to: compute the gradient of a class score with respect to the pixels and draw it as a map; cut an object
# out of a photo without a drawn outline; find out that a network is right for the wrong reason; and say what a saliency map does
# *not* show.

# %% tags=["setup"]
import torch

from course_utils import (
    check,
    explorers,
    labelled_photos,
    load_network,
    photo,
    quiz,
    show_heat,
    show_images,
)
from course_utils.activations import occlusion_scores
from course_utils.gradients import (
    blur,
    edges,
    grad_cam,
    input_gradient,
    integrated_gradients,
    rank_correlation,
    saliency,
    segment,
    share_inside,
    smoothgrad,
)
from course_utils.networks import randomized
from course_utils.plots import new_figure
from course_utils.stimuli import digits, mark, object_masks
from course_utils.training.digit_net import accuracy, train_digit_net
from course_utils.training.map_scores import (
    map_scores,
    maps_without_network,
    middle_blob,
    outlined_photos,
    three_scores,
)

# %%
# the result first: a photo, and how strongly the score reacts to each pixel
net = load_network("efficientnet_lite0")
eagle = photo("bald_eagle")
bald_eagle = net.class_index("bald eagle")
eagle_smooth = smoothgrad(net, eagle, bald_eagle, samples=16)
show_heat(
    eagle,
    eagle_smooth,
    title=f"{net.predict(eagle)[0][0][0]}: where the score reacts",
)

# %% [markdown]
# The bright pixels lie on the head, the beak and the wings. Nobody told the network where the eagle is: it was trained with one
# word for each photo. The map comes out of its own arithmetic. You will build it now.

# %% [markdown] notes="1" minutes=5
# Ask before you run the cell: which part of the photo would you look at to say "bald eagle"? Let three people answer. Then show
# the map. Do not explain the method yet.

# %% [markdown]
# ## The idea
#
# A classifier turns an image $I$ into one score $S_c(I)$ for every class $c$. Near a given photo $I_0$ the score is almost a linear
# function of the pixels (the first two terms of its Taylor series):
#
# $$S_c(I) \approx S_c(I_0) + \sum_{ij,k} \frac{\partial S_c}{\partial I_{ijk}}\,(I_{ijk} - I_{0,ijk}) .$$
#
# Here $i,j$ is the position of a pixel and $k$ its color channel. So the derivative of the score with respect to a pixel says how
# much the score changes when this pixel changes a little. Its sign says in which direction; its size says how strongly the score reacts to a *small* change. (Whether that is "how much it matters", the last section asks.) The
# **saliency map** (Simonyan, Vedaldi & Zisserman, 2014) keeps the size, and of the three colors the largest:
#
# $$M_{ij} = \max_k \left|\frac{\partial S_c}{\partial I_{ijk}}\right| .$$
#
# One forward pass, one backward pass, and you have a number for every pixel.

# %% [markdown] notes="1" minutes=4
# One image, one score, one arrow back. Say in words what the derivative of the score by one pixel means before you
# write the symbol.

# %% [markdown]
# ## In the head first
#
# A network with one linear layer: $S = 2a - 3b + 0\,c$ for an image of three pixels $a, b, c$. What are the three numbers of its
# saliency map? Does the answer depend on the image? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=16
# Three numbers on paper first. Then `requires_grad`, one score from each row, `sum`: type each and look at it. Type the exercise
# without the copy and read what `check` says.

# %%
# the gradient of 2a - 3b + 0c with respect to its pixels
pixels = torch.tensor([0.5, 0.1, 0.9], requires_grad=True)
score = 2 * pixels[0] - 3 * pixels[1] + 0 * pixels[2]
(gradient,) = torch.autograd.grad(score, pixels)
gradient, gradient.abs()

# %% [markdown]
# The map of a linear score is the size of its weights, for every image: it reacts most to $b$ although this pixel is nearly black, and not at all to $c$,
# the brightest.
#
# The cell used three things that you need below:
#
# - `requires_grad=True` asks PyTorch to record what happens to a tensor;
# - `torch.autograd.grad(score, pixels)` returns a tuple with the gradient of **one number** with respect to the pixels;
# - it changes nothing else. `score.backward()` would instead *add* the gradient to `pixels.grad`. You will meet this in exercise 07.4.

# %% [markdown]
# A batch has many images and many scores, but `grad` wants one number. Look at how one score is picked from each row, and at what `sum` does:

# %%
# pick one score from each row, then add them up
scores = torch.tensor([[1.0, 5.0, 2.0], [7.0, 0.0, 3.0]])
target = torch.tensor([2, 0])
chosen = scores[torch.arange(2), target]
chosen, chosen.sum()

# %% [markdown]
# The sum mixes nothing up: image 0 has no influence on the score of image 1, so the gradient of the sum with respect to image 0 is the
# gradient of its own score.

# %% [markdown] exercise="07.1" title="Build it: the saliency map" points=3 difficulty=2 importance=5 minutes=12 own="course_utils.gradients:saliency"
# Write the map for a batch. `images` has shape `(N, 3, H, W)`, `target` is a list of `N` classes, one for each image. Return a tensor of
# shape `(N, H, W)`.


# %% exercise="07.1"
def saliency_map(net, images, target):
    """The saliency map of one class per image.

    net: a network; net(images) gives the scores (N, classes) before the softmax
    images: (N, 3, H, W), target: a list of N class indices
    returns: (N, H, W), the largest of |gradient| over the color channels
    """
    ### BEGIN SOLUTION
    pixels = images.detach().clone().requires_grad_()
    scores = net(pixels)
    chosen = scores[torch.arange(len(images)), torch.tensor(target)]
    (gradient,) = torch.autograd.grad(chosen.sum(), pixels)
    return gradient.abs().amax(dim=1)
    ### END SOLUTION


check("07.1", saliency_map)

# %% [markdown] fold="Hint"
# Four steps: (1) a copy of the images that requires gradients: `images.detach().clone().requires_grad_()`; (2) run the network on the
# **copy**; (3) pick each image's own score, add them up, take the gradient; (4) first `abs`, then the largest over dimension 1.

# %% [markdown] fold="I get: One of the differentiated Tensors appears to not have been used in the graph"
# You asked for the gradient with respect to a tensor that the network did not see. Make one copy, run the network on it, and differentiate with respect to the same copy.

# %% [markdown] fold="I get: element 0 of tensors does not require grad"
# No gradient is recorded for what the network saw. Either you ran it on `images` and not on the copy, or the copy does not record anything yet: `.requires_grad_()` is
# missing, or it came after the forward pass.

# %% picture="07.1"
# your map of a real network
show_heat(
    eagle, saliency_map(net, eagle, [bald_eagle])[0], title="the plain saliency map of 'bald eagle'"
)

# %% [markdown] solution="07.1"
# The copy keeps the caller's tensor as it was. The order matters at the end: the largest of $|g|$ over the colors, not the size of the
# largest $g$, or a strong negative gradient would lose against a weak positive one.

# %% [markdown]
# ## Score, probability or loss?
#
# Three quantities say how much a network believes in a class: the score $S_c$, the probability $p_c$ after the softmax, and the loss
# $-\log p_c$. Each has a gradient.
#
# **Predict, run, explain.** The network is sure that this is a cannon. Which of the three maps, one or more, will be nearly black? Write your answer
# down, then run the cell. The three maps share one brightness scale; the number is the largest gradient.

# %% [markdown] notes="1" minutes=6
# Votes before the cell. Then the formula, and ask what happens to the bracket when the network is sure.

# %%
# the same photo, three quantities
gun = photo("cannon")
name, probability = net.predict(gun)[0][0]
maps = [
    saliency(net, gun, "cannon", of=quantity)[0] for quantity in ("score", "probability", "loss")
]
titles = [
    f"{q}: at most {m.max():.2g}"
    for q, m in zip(("score", "probability", "loss"), maps, strict=True)
]
bright = maps[0].quantile(0.995).item()
show_images(
    [gun[0], *maps], [f"{name}, {probability:.1%}", *titles], vmin=0, vmax=bright, cmap="inferno"
)

# %% [markdown]
# In formulas, with $p$ the probabilities: $\nabla p_c = p_c\,(\nabla S_c - \sum_k p_k \nabla S_k)$ and $\nabla(-\log p_c) = -\nabla p_c / p_c$. When
# $p_c$ is close to 1, the bracket is close to zero: the network is sure, so a small change of a pixel changes next to nothing. The score has no
# such ceiling. (Both maps are black here, since they are drawn on the scale of the first. By the formulas they are one pattern, up to the factor $1/p_c$.)

# %% [markdown] fold="Think: what would the loss's map show for a class the network finds very unlikely?"
# What lowers the loss is $-\nabla(-\log p_c) = \nabla S_c - \sum_k p_k \nabla S_k$: "more of $c$" and, as $p_c \approx 0$, "less of what you see now". The map of the
# score shows only the first part.

# %% [markdown]
# ## Less noise: SmoothGrad
#
# The brightest pixels of the plain map avoid the eagle; its wings are dark bands. But the gradient can change quickly from one image to a nearly equal one: every ReLU
# switches a part of it on or off. **SmoothGrad** (Smilkov et al., 2017) adds noise to the *image* many times and averages the gradients:
#
# $$\bar g = \frac1n \sum_{s=1}^{n} \nabla S_c(I + \varepsilon_s), \qquad M_{ij} = \max_k |\bar g_{ijk}| .$$
#
# What points up in one copy and down in the next cancels; what all copies agree on stays. That is the idea; the exercise is followed by a test.

# %% [markdown] notes="1" minutes=9
# Ask what should be averaged, the maps or the signed gradients, and why. Try `noise=1.0` at the end if somebody asks.

# %% [markdown] exercise="07.2" title="Build it: SmoothGrad" points=2 difficulty=2 importance=3 minutes=8 own="course_utils.gradients:smoothgrad"
# The noise is given, so that the answer is known: `noise` has shape `(n, 3, H, W)`, one noise image for each copy. Average the **signed** gradients, then
# make one map of shape `(H, W)`.


# %% exercise="07.2"
def smooth_saliency(net, image, target, noise):
    """SmoothGrad with given noise.

    net: a network, image: (1, 3, H, W), target: one class index
    noise: (n, 3, H, W), to be added to the image
    returns: (H, W)
    """
    ### BEGIN SOLUTION
    noisy = (image + noise).detach().requires_grad_()
    score = net(noisy)[:, target].sum()
    (gradients,) = torch.autograd.grad(score, noisy)
    return gradients.mean(dim=0).abs().amax(dim=0)
    ### END SOLUTION


check("07.2", smooth_saliency)

# %% [markdown] fold="Hint"
# `image + noise` broadcasts to `(n, 3, H, W)`: all copies go through the network in one batch. Sum their scores, take one gradient, average over
# dimension 0, and only then `abs` and the largest over the colors.

# %% picture="07.2"
# your SmoothGrad: 16 noisy copies of the eagle
generator = torch.Generator().manual_seed(0)
noise = 0.15 * torch.randn(16, 3, 224, 224, generator=generator)
show_heat(eagle, smooth_saliency(net, eagle, bald_eagle, noise), title="SmoothGrad, 16 copies")

# %% [markdown]
# **Predict, run, explain.** SmoothGrad does two things at once: it asks at *noisy* photos, and it takes a *mean*. Which of the two brings the bird? Below, one map has the noise without a mean: a single copy.
# The number is the share of a map's brightest tenth that lies on the bird. Chance is the bird's share of the photo.

# %%
# the noise without the mean, then more and more copies
gallery_names, outlines = object_masks()  # GrabCut's, in boxes drawn by hand
bird = outlines[gallery_names.index("bald_eagle")]


def on_the_bird(heat):
    return bird[heat > heat.quantile(0.9)].float().mean().item()


steps_of_smoothing = {
    "plain gradient": saliency(net, eagle, bald_eagle)[0],
    "1 noisy copy": smoothgrad(net, eagle, bald_eagle, samples=1)[0],
    "4 copies": smoothgrad(net, eagle, bald_eagle, samples=4)[0],
    "16 copies": eagle_smooth[0],
}
print(f"the bird fills {bird.float().mean():.0%} of the photo")
show_images(
    list(steps_of_smoothing.values()),
    [f"{name}: {on_the_bird(heat):.0%} on it" for name, heat in steps_of_smoothing.items()],
    vmin=0,
    cmap="inferno",
)

# %% [markdown]
# One noisy copy is enough to bring the bird: about half of its brightest tenth lies there. The mean then takes the grain away. So most of the change
# comes, for this photo, from asking *beside* it instead of at it.

# %% claim="the plain map's brightest tenth avoids the bird; of one noisy copy's, about half lies on it"
chance = bird.float().mean().item()
assert on_the_bird(steps_of_smoothing["plain gradient"]) < 0.8 * chance
one_copy = [
    on_the_bird(smoothgrad(net, eagle, bald_eagle, samples=1, seed=s)[0]) for s in (0, 1, 2)
]
for share_on_it in one_copy:
    assert 0.4 < share_on_it < 0.65
    assert share_on_it > 2 * on_the_bird(steps_of_smoothing["plain gradient"])
assert on_the_bird(steps_of_smoothing["16 copies"]) > max(one_copy)
assert not on_the_bird(torch.rand(224, 224, generator=torch.Generator().manual_seed(0))) > 0.3

# %% [markdown] fold="Think: what happens with very strong noise?"
# The copies no longer show an eagle. The average is then the gradient of other pictures, smooth and wrong. Try `noise=1.0`.

# %% [markdown]
# ## Segmentation without labels
#
# "Without labels" means here: without an outline. The network learned from one word for each photo. Still, the method takes the highest values of its map for "surely object", and the lowest for "surely not".
# Simonyan et al. learned the colors of both from them, and cut along the edges between them with a graph cut (Boykov & Jolly, 2001). **GrabCut** (Rother et al., 2004), which you use here, repeats these two steps in turn.
# Seeds are chosen by **quantile**, in the paper by 0.95 and 0.30: the 0.95 quantile is the value that 95 % of the pixels do not exceed.

# %% [markdown] notes="1" minutes=9
# Ask what the 0.95 quantile is before you type. Do not hide the spoonbill that fails: ask which of the two steps lost
# it. Cover the last row at first: would seeds from the middle of the photo do as well?

# %% [markdown] exercise="07.3" title="Seeds from a map" points=2 difficulty=2 importance=2 minutes=8 own="course_utils.gradients:segment"
# Mark every pixel of a map: **1** (surely object) where the map is larger than its `foreground` quantile, **0** (surely background) where it is not
# larger than its `background` quantile, **2** (undecided) everywhere else.


# %% exercise="07.3"
def seeds(heat, foreground, background):
    """Seeds for a segmentation.

    heat: a map (H, W), not negative; foreground, background: quantiles such as 0.95 and 0.3
    returns: (H, W) of 0 (background), 1 (object), 2 (undecided)
    """
    ### BEGIN SOLUTION
    marks = torch.full(heat.shape, 2)
    marks[heat <= heat.quantile(background)] = 0
    marks[heat > heat.quantile(foreground)] = 1
    return marks
    ### END SOLUTION


check("07.3", seeds)

# %% [markdown] fold="Hint"
# `heat.quantile(0.95)` is one number. Start with a tensor full of 2 and overwrite two sets of pixels: `marks[heat > ...] = 1`.

# %% picture="07.3"
# your seeds on the eagle: object white, background black, undecided gray
smooth = blur(eagle_smooth[0], 4)
marks = seeds(smooth, 0.95, 0.30).float()
show_images([eagle[0], torch.where(marks == 2, 0.5, marks)], ["photo", "seeds"], vmin=0, vmax=1)

# %%
# GrabCut decides the undecided pixels: from the seeds of the network's map, and from those of a blob of light in the middle
four_names = ("bald_eagle", "cannon", "dalmatian", "spoonbill")
photos = torch.cat([photo(name) for name in four_names])
maps = [*eagle_smooth, *smoothgrad(net, photos[1:], samples=16)]
maps = [blur(heat, 4) for heat in maps]
blob = middle_blob()
masks = [segment(image, heat) for image, heat in zip(photos, maps, strict=True)]
blob_masks = [segment(image, blob) for image in photos]
seeds_of_maps = [
    0.5 + 0.5 * (heat > heat.quantile(0.95)) - 0.5 * (heat <= heat.quantile(0.30)) for heat in maps
]
cut = [
    image * mask + (1 - image * 0.2) * ~mask
    for image, mask in zip([*photos, *photos], masks + blob_masks, strict=True)
]
show_images(
    [*photos, *seeds_of_maps, *cut],
    columns=4,
    vmin=0,
    vmax=1,
    title="photo · seeds of the network's map · cut out with them · cut out from a blob in the middle",
)

# %% [markdown]
# Look closely at each. The eagle is whole. The cannon loses the front of its barrel and its trail. The dalmatian loses its ear, where seeds say "background", although small gray windows in lesson 06 are darkest on the ear: two maps of one photo can disagree. In the last photo a piece
# of the sky comes with the bird: about half of the seeds for "object" lie on the sky. (ImageNet calls this bird a spoonbill. It is a white ibis.)
#
# The last row, the control, asks no network. It takes the wings from the eagle, but it cuts the cannon *better*, and the dalmatian no worse. Of these four only the eagle is cut better with the map than with the blob. That it needs the *network* is not shown: a map of edges was not tried as seeds.

# %% claim="the map's seeds beat a blob's for the eagle, not for the cannon; what its seeds say of the ear and of the sky"
true_masks = [outlines[gallery_names.index(name)] for name in four_names]
overlap = {
    (kind, name): ((mask & true).sum() / (mask | true).sum()).item()
    for kind, found in (("map", masks), ("blob", blob_masks))
    for name, mask, true in zip(four_names, found, true_masks, strict=True)
}
assert overlap["map", "bald_eagle"] > overlap["blob", "bald_eagle"] + 0.3
assert not overlap["map", "cannon"] > overlap["blob", "cannon"]
assert not overlap["map", "dalmatian"] > overlap["blob", "dalmatian"] + 0.1
assert overlap["map", "spoonbill"] < 0.3
on_thing = [
    (true[marks_of == 1].float().mean().item(), true[marks_of == 0].float().mean().item())
    for marks_of, true in zip(seeds_of_maps, true_masks, strict=True)
]
assert 0.3 < on_thing[3][0] < 0.6
assert on_thing[0][0] > 0.75
assert on_thing[2][1] > 0.04
assert not on_thing[0][1] > 0.02

# %% [markdown]
# ## Spot the bug
#
# Functions like this one stand in many notebooks. It returns the right gradient, once.

# %% [markdown] notes="1" minutes=6
# Call the stub twice in a cell of your own and compare. Let the room find both faults.

# %% [markdown] exercise="07.4" title="Spot the bug: a gradient that grows" points=2 difficulty=3 importance=4 minutes=8 own="course_utils.gradients:input_gradient"
# Run the cell as it is and read what `check` says. Then change the function so that it gives the same answer however often it is called, and leaves
# the caller's `images` as they were.


# %% exercise="07.4"
def clean_gradient(net, images, target):
    """The signed gradient of the target scores with respect to the images.

    net: a network, images: (N, 3, H, W), target: a list of N class indices
    returns: (N, 3, H, W)
    """
    ### BEGIN SOLUTION
    pixels = images.detach().clone().requires_grad_()
    scores = net(pixels)[torch.arange(len(images)), torch.tensor(target)]
    return torch.autograd.grad(scores.sum(), pixels)[0]
    ### END SOLUTION
    ### BEGIN STUB
    # images.requires_grad_()
    # scores = net(images)[torch.arange(len(images)), torch.tensor(target)]
    # scores.sum().backward()
    # return images.grad
    ### END STUB


check("07.4", clean_gradient)

# %% [markdown] fold="Hint"
# `backward()` adds to `images.grad`. The tensor belongs to the caller and lives on after your function ends. Work on a copy, and use
# `torch.autograd.grad`.

# %% uses="07.4"
# the eagle, three times: is every call the first one again, and is it the course's own gradient?
calls = [clean_gradient(net, eagle, [bald_eagle]) for _ in range(3)]
own_gradient = input_gradient(net, eagle, bald_eagle)
print("apart from the first:", *[f"{(again - calls[0]).abs().max():.0e}" for again in calls])
print(f"apart from the course's own: {(calls[0] - own_gradient).abs().max():.0e}")

# %% [markdown] solution="07.4"
# There are two faults in one. `requires_grad_()` changes the caller's tensor, and `backward()` adds to what is already in `.grad`. A copy and
# `torch.autograd.grad` leave nothing behind.

# %% [markdown]
# ## A planted shortcut
#
# Ribeiro, Singh and Guestrin (2016) trained, on purpose, a bad classifier of huskies and wolves: all wolves of its training photos stood in snow. Their method LIME showed that it looked at the snow. You will now plant such a shortcut
# yourself. The data: handwritten digits from 0 to 7, 16 × 16 pixels. In the training pictures a white mark of 2 × 2 pixels at the upper edge gives the label away: the digit 0 has it at the left,
# 1 two pixels further right, and so on.

# %% [markdown] notes="1" minutes=12
# Ask which of the two networks they would put into a hospital, before the maps. The experiment with the wrong marks
# proves it, not the map.

# %%
# the digits with their marks
images, labels = digits(marked=True)
plain, _ = digits()
show_images(images[:8], [str(int(label)) for label in labels[:8]], columns=8, vmin=0, vmax=1)

# %%
# train two small networks: one on marked digits, one on plain digits (about 2 seconds)
train, test = slice(0, 1000), slice(1000, None)
cheater = train_digit_net(images[train], labels[train])
honest = train_digit_net(plain[train], labels[train])
print(f"cheater, test digits with marks:   {accuracy(cheater, images[test], labels[test]):.1%}")
print(f"honest,  test digits without mark: {accuracy(honest, plain[test], labels[test]):.1%}")

# %% [markdown]
# The cheater has the higher score. Would you have noticed? The test pictures come from the same source as the training pictures, so they
# carry the mark as well.
#
# **Predict, run, explain.** Below are the saliency maps of both networks. Where will the cheater's map be bright? And then: what will the cheater
# answer for a digit with the mark of *another* digit?

# %%
# what each network looks at
some = torch.arange(1000, 1008)
rows = [
    *images[some],
    *saliency(cheater, images[some], labels[some]),
    *saliency(honest, plain[some], labels[some]),
]
show_images(
    rows,
    columns=8,
    vmin=0,
    title="marked digits · the cheater's saliency · the honest network's saliency",
)

# %% [markdown] exercise="07.5" title="How much of the map lies on the mark?" points=1 difficulty=1 importance=3 minutes=5 own="course_utils.gradients:share_inside"
# A number is better than a look. For a batch of maps, return the share of each map's total that lies in a box: rows `top:bottom`, columns
# `left:right`, as in Python slices.


# %% exercise="07.5"
def share_in_box(maps, top, bottom, left, right):
    """The share of each map that lies in a box.

    maps: (N, H, W), not negative; the box: rows top:bottom, columns left:right
    returns: (N,), from 0 to 1
    """
    ### BEGIN SOLUTION
    inside = maps[:, top:bottom, left:right].sum(dim=(1, 2))
    return inside / maps.sum(dim=(1, 2))
    ### END SOLUTION


check("07.5", share_in_box)

# %% uses="07.5"
# the top two rows are 12.5 % of the area
for name, one, pictures in (("cheater", cheater, images), ("honest", honest, plain)):
    shares = share_in_box(saliency(one, pictures[test], labels[test]), 0, 2, 0, 16)
    print(f"{name}: {shares.mean():.0%} of the saliency lies in the top two rows")

# %%
# the proof is not the map but the experiment: give each digit a wrong mark
wrong = (labels[test] + 3) % 8
moved = mark(plain[test], wrong)
on_wrong_marks = {}
for name, one in (("cheater", cheater), ("honest", honest)):
    answers = one(moved).argmax(1)
    # each map's brightest block of 2 x 2 pixels: the first 8 of the 64 blocks are the places of the mark
    blocks = torch.nn.functional.avg_pool2d(saliency(one, moved, answers)[:, None], 2).flatten(1)
    on_wrong_marks[name] = [
        such.float().mean().item()
        for such in (answers == wrong, answers == labels[test], blocks.argmax(1) == wrong)
    ]
    follows, reads, brightest = on_wrong_marks[name]
    print(
        f"{name}, wrong marks: follows the mark in {follows:.0%}, reads the digit in {reads:.0%}; "
        f"the mark is the brightest block of its map in {brightest:.0%}"
    )
print(f"cheater, no marks: {accuracy(cheater, plain[test], labels[test]):.0%} right")

# %% [markdown]
# The map raised the suspicion, the experiment proved it. This order is the right one: a map is a hypothesis about the network, and a hypothesis is tested by
# changing the input.
#
# The honest network is the control: a mark does not disturb it. And since you planted the cause, you can test the *map*, too: its brightest block is the mark in most pictures for the cheater, in none for the honest network.
#
# Look at the numbers once more. Most of the cheater's saliency is *not* on the mark: without a mark it still reads many digits. It learned both. When they
# disagree the mark mostly wins, and in the rest the answer is mostly a third digit. So the share of a map on a cause does not say how often this cause wins.

# %% claim="on wrong marks the cheater follows the mark and its map shows it; the honest network and its map do not"
for again in (cheater, train_digit_net(images[train], labels[train], seed=1)):
    said = again(moved).argmax(1)
    pooled = torch.nn.functional.avg_pool2d(saliency(again, moved, said)[:, None], 2).flatten(1)
    marked_first = pooled.argmax(1) == wrong
    third = (said != wrong) & (said != labels[test])
    assert (said == wrong).float().mean() > 0.6
    assert third.float().mean() > 1.5 * (said == labels[test]).float().mean()
    assert marked_first.float().mean() > 0.75
    assert share_inside(saliency(again, moved, said), slice(0, 2), slice(0, 16)).mean() < 0.4
assert abs(on_wrong_marks["honest"][1] - accuracy(honest, plain[test], labels[test])) < 0.03
assert not on_wrong_marks["honest"][0] > 0.1
assert not on_wrong_marks["honest"][2] > 0.1

# %% [markdown]
# ## Coarser: Grad-CAM
#
# The gradient of the pixels is fine and noisy. Before the network averages over the positions, a photo is a stack of small pictures: the feature maps $A_k$, $7 \times 7$ places each.
# Grad-CAM (Selvaraju et al., 2017) asks at this layer: which of these small pictures speak for the class, and where do they answer? If map $k$ went up a
# little everywhere, the score $S_c$ would change in proportion to the mean of its gradient over the $h \times w$ places,
#
# $$w_k = \frac{1}{h w}\sum_{i,j} \frac{\partial S_c}{\partial A_k(i,j)} .$$
#
# So $w_k$ is positive for a map that speaks for the class and negative for one that speaks against it. Add the maps with these weights, and keep what is positive:
#
# $$L_{ij} = \max\Bigl(0,\ \sum_k w_k A_k(i,j)\Bigr) .$$
#
# In the head first: two maps of $2 \times 2$ places, and a score $S = 3 \times$ the mean of $A_1$ minus the mean of $A_2$. $A_1$ is 1 at the top left and 0 elsewhere, $A_2$ is 1
# at the bottom right and 0 elsewhere. What are $w_1$ and $w_2$, and where is $L$ positive?

# %% [markdown] fold="Think: the two maps"
# Each place of $A_1$ has the gradient $3/4$, so $w_1 = 3/4$; in the same way $w_2 = -1/4$. The sum is $3/4$ at the top left and $-1/4$ at the bottom right. The second one is cut
# off, so $L$ is positive at the top left only.

# %% [markdown] notes="1" minutes=10
# Do the two maps on the board. Then the cell: the network in two halves. Ask what the shape of the gradient must be before you print it.

# %%
# the network in two halves: `forward_features` gives the maps (the output of layer "bn2.act"), `forward_head` makes scores of them.
# The network's own weights ask for no gradient; the maps do from here on.
eagle_maps = net.model.forward_features(net.normalize(eagle)).requires_grad_()
score = net.model.forward_head(eagle_maps)[0, bald_eagle]
(map_gradients,) = torch.autograd.grad(score, eagle_maps)
print("maps:", tuple(eagle_maps.shape), " gradients:", tuple(map_gradients.shape))
print(f"score in two halves: {score.item():.3f}, in one: {net(eagle)[0, bald_eagle].item():.3f}")

# %% [markdown] exercise="07.6" title="Build it: Grad-CAM" points=2 difficulty=2 importance=4 minutes=8 own="course_utils.gradients:grad_cam"
# Write `class_map(maps, gradients)` for the feature maps of one image and the gradient of its class score by them, both of shape `(C, h, w)`. It returns $L$, of shape
# `(h, w)`.


# %% exercise="07.6"
def class_map(maps, gradients):
    """The feature maps, each weighed by its mean gradient, added up; negative sums become 0.

    maps, gradients: (C, h, w)
    returns: (h, w)
    """
    ### BEGIN SOLUTION
    weights = gradients.mean((1, 2))
    return (weights[:, None, None] * maps).sum(0).clamp(min=0)
    ### END SOLUTION


check("07.6", class_map)

# %% [markdown] fold="Hint"
# One weight for each map: the mean over its places. To multiply `(C,)` with `(C, h, w)`, give the weights two more dimensions: `weights[:, None, None]`.

# %% [markdown] fold="I get: the shape (C, h, w)"
# The maps are weighed but not added up yet: sum over the first dimension.

# %% picture="07.6"
# your function on the eagle: each square is one of the 7 x 7 places
show_heat(
    eagle,
    class_map(eagle_maps[0].detach(), map_gradients[0])[None],
    title="where the maps, for and against together, speak for bald eagle",
)

# %% [markdown]
# The map is coarse, and coarser than its squares: a place of this layer can see the whole photo (lesson 05 measures that). The brightest square need not lie on the part that
# *you* would name.
#
# **What is special here.** This network ends in a mean over the places and one linear layer. So the gradient of a map is the same number at all its places, and $w_k$ is the weight of
# the linear layer divided by the number of places: the sum before the $\max$, added up over all places, is the score but for the bias. In such a network Grad-CAM *is* the older class activation
# map (Zhou et al., 2016), without its negative values; lesson 16 uses the whole sum. In a network with more layers behind the maps, such as VGG, the gradients differ from place to place, and the
# mean is needed.

# %%
# the gradient of a map is the same at all places; the sum over all places and the bias are the score
spread = (map_gradients.amax((2, 3)) - map_gradients.amin((2, 3))).max()
whole = grad_cam(net, eagle, "bn2.act", "bald eagle", relu=False).sum()
bias = net.model.classifier.bias[bald_eagle]
print(f"largest difference of a map's gradient between two places: {spread.item():.1g}")
print(
    f"sum over places {whole.item():.3f} + bias {bias.item():.3f} = {whole.item() + bias.item():.3f}, the score"
)

# %% [markdown]
# **Predict.** Blur a block of $2 \times 2$ places, and see how far the score of the photo's own class falls: the block where the map of that class is brightest, the block where the map of
# *another* class is brightest (the mean over the classes of the other photos), the block that a network with random weights finds, and a block near the middle, since photographers put things there. Order the four from
# the largest fall to the smallest. Decide, then run.

# %%
# the 20 labelled photos: the score's fall for each of the 6 x 6 blocks of 2 x 2 places (64 x 64 pixels, steps of 32)
things, classes, _ = labelled_photos()
falls = occlusion_scores(
    net, things, classes, window=64, stride=32, baseline="blur", progress=False
).drops()
falls = falls.flatten(1)  # (20, 36)


# %%
# three maps that choose a block, against the middle, chance and the best that is possible. Here Grad-CAM is the last layer's
# weights times the feature maps, so one forward pass gives it for the 20 classes of all photos
def falls_of_all(one):
    with torch.no_grad():
        last = one.model.forward_features(one.normalize(things))
        every = torch.einsum("kc,nchw->nkhw", one.model.classifier.weight[classes], last)
    means = torch.nn.functional.avg_pool2d(every, 2, stride=1).flatten(2)
    return falls.gather(1, means.argmax(2))  # (photos, classes)


all_falls = falls_of_all(net)
differ = torch.tensor(classes)[:, None] != torch.tensor(classes)
unlearned_falls = [falls_of_all(randomized(net, seed=seed)).diagonal() for seed in (0, 1, 2)]
fall_of = {
    "Grad-CAM of its class": all_falls.diagonal(),
    "Grad-CAM of the other classes": (all_falls * differ).sum(1) / differ.sum(1),
    "Grad-CAM, random weights (3 draws)": torch.stack(unlearned_falls).mean(0),
    "near the middle (mean of 4 blocks)": falls[:, [14, 15, 20, 21]].mean(1),
    "any block (chance)": falls.mean(1),
    "the best possible block": falls.amax(1),
}
print(f"{'':34} mean fall   Grad-CAM of its class falls further by (± standard error)")
for name, fall in fall_of.items():
    further = fall_of["Grad-CAM of its class"] - fall
    error = further.std() / len(fall) ** 0.5
    print(f"{name:34} {fall.mean():9.2f}   {further.mean():5.2f} ± {error:.2f}")

# %% [markdown]
# The class matters: Grad-CAM's block costs about twice as much as chance, the block of another class about as much as chance, and that of random weights no more. But a block near the middle, for which no network is needed,
# cannot be told from Grad-CAM's with 20 photos: the difference is smaller than its standard error. Many photos show their object in the middle. Without that row you would have taken the factor of two for a merit of the map.

# %% claim="Grad-CAM's block costs about twice as much as chance, another class's does not, and the middle costs about as much as Grad-CAM's"
typical = {name: fall.mean().item() for name, fall in fall_of.items()}
assert typical["Grad-CAM of its class"] > 1.7 * typical["any block (chance)"]
assert typical["Grad-CAM of its class"] < 2.6 * typical["any block (chance)"]
than_other = fall_of["Grad-CAM of its class"] - fall_of["Grad-CAM of the other classes"]
assert than_other.mean() > 2 * than_other.std() / len(things) ** 0.5
assert not typical["Grad-CAM of the other classes"] > 1.5 * typical["any block (chance)"]
assert not typical["Grad-CAM, random weights (3 draws)"] > typical["any block (chance)"]
# the short way gives Grad-CAM's block
own_maps = grad_cam(net, things, "bn2.act", classes, relu=False)[:, None]
own_block = torch.nn.functional.avg_pool2d(own_maps, 2, stride=1).flatten(1).argmax(1)
same_fall = falls.gather(1, own_block[:, None])[:, 0] == fall_of["Grad-CAM of its class"]
assert same_fall.float().mean() > 0.9
than_middle = fall_of["Grad-CAM of its class"] - fall_of["near the middle (mean of 4 blocks)"]
assert than_middle.mean().abs() < than_middle.std() / len(things) ** 0.5

# %%
# the same photo, three classes on one scale: red for the class, blue against it
asked = ("bald eagle", "kite", "strawberry")
trio = torch.cat([grad_cam(net, eagle, "bn2.act", name, relu=False) for name in asked])
show_images(
    [eagle[0], *trio],
    ["photo", *(f"{k}: {m.min():.2f} to {m.max():.2f}" for k, m in zip(asked, trio, strict=True))],
    vmin=-trio.abs().max().item(),
    vmax=trio.abs().max().item(),
    cmap="RdBu_r",
)

# %% [markdown]
# *Kite*, another bird of prey, gets nearly the eagle's map, but weaker. *Strawberry* gets next to nothing: on this scale its map is pale. Where the maps speak for the eagle, they mostly speak a little against it. So in this photo Grad-CAM tells a far class apart, a near one hardly. And the gradients of the pixels? The last section measures both, for one other class in each photo.

# %% claim="kite has nearly the eagle's map, but weaker; strawberry's is pale, and mostly negative where the eagle's is positive"
assert rank_correlation(trio[0], trio[1]) > 0.7
assert trio[1].max() < 0.85 * trio[0].max()
assert trio[2].abs().max() < 0.25 * trio[0].max()
assert not rank_correlation(trio[0], trio[2]) > 0.35
speaks = trio[0] > 0
opposed = (trio[2][speaks] < 0).float().mean().item()
assert opposed > 0.6
assert not opposed > 0.9

# %% [markdown]
# ## Parts that add up: integrated gradients
#
# A gradient is about a *small* change. Can you divide the score itself among the pixels, so that the parts add up? (From here on $x$ is the image, and one index $i$ counts all its numbers.) A first try is **gradient × input** (Shrikumar et al., 2016), $x_i \cdot \partial S/\partial x_i$: to first order, what is lost if pixel $i$ becomes black.
#
# **In the head first.** $S = \max(0,\ a + b - 1)$, and both pixels are 1. What is the score, what is gradient × input of each pixel, and what is their sum? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=12
# The ReLU on the board: the score against the way from black to the photo. It is flat on the first half and rises on the
# second. Type 07.7 with the room.

# %%
# the score, gradient x input, and the gradient at four places on the way from black to the image
ab = torch.tensor([1.0, 1.0], requires_grad=True)
one_score = (ab.sum() - 1).relu()
print(
    "score",
    one_score.item(),
    " gradient x input",
    (ab * torch.autograd.grad(one_score, ab)[0]).tolist(),
)
for share in (1 / 8, 3 / 8, 5 / 8, 7 / 8):
    point = (share * torch.ones(2)).requires_grad_()
    print(
        f"{share:.0%} of the way: gradient",
        torch.autograd.grad((point.sum() - 1).relu(), point)[0].tolist(),
    )

# %% [markdown]
# The score is 1, and the parts add up to 2: the gradient at the end of the way knows nothing of the first half, where nothing happened. So walk the whole way. **Integrated gradients** (Sundararajan et al., 2017) start at a **baseline** $x'$, a picture that stands for "nothing", such as black, and take the *mean*
# of the gradient on the straight way to the photo:
#
# $$\text{part}_i = (x_i - x'_i)\ \cdot\ \frac1n\sum_{s=1}^{n} \frac{\partial S}{\partial x_i}\Bigl(x' + a_s\,(x - x')\Bigr), \qquad a_s = \frac{s - \frac12}{n} .$$
#
# As $n$ grows, the parts add up to $S(x) - S(x')$, the whole way from one score to the other. This is the axiom of **completeness**. In the example, half of the four gradients are 1 and half are 0, so each pixel gets $\frac12$.

# %%
# how far apart the scores of the eagle and of a black picture are
with torch.no_grad():
    difference_of_scores = (net(eagle) - net(torch.zeros_like(eagle)))[0, bald_eagle].item()
print(f"the score of bald eagle: {difference_of_scores:.2f} higher for the photo than for black")

# %% [markdown] exercise="07.7" title="Build it: integrated gradients" points=2 difficulty=3 importance=4 minutes=10 own="course_utils.gradients:integrated_gradients"
# Return the parts of all pixels for one image and one class. Take the gradients in the middle of `steps` equal pieces of the way, as in the formula.


# %% exercise="07.7"
def integrated(net, image, baseline, target, steps):
    """Integrated gradients on the straight way from a baseline to an image.

    net: a network, image and baseline: (1, 3, H, W), target: one class index, steps: the number of pieces
    returns: (1, 3, H, W), signed; adds up to about net(image)[0, target] - net(baseline)[0, target]
    """
    ### BEGIN SOLUTION
    a = ((torch.arange(steps, dtype=image.dtype) + 0.5) / steps).view(-1, 1, 1, 1)
    points = (baseline + a * (image - baseline)).detach().requires_grad_()
    (gradients,) = torch.autograd.grad(net(points)[:, target].sum(), points)
    return (image - baseline) * gradients.mean(dim=0, keepdim=True)
    ### END SOLUTION


check("07.7", integrated)

# %% [markdown] fold="Hint"
# All points in one batch: `a` of shape `(steps, 1, 1, 1)` makes `baseline + a * (image - baseline)` a tensor `(steps, 3, H, W)`. Sum their scores, take one gradient, and its mean over dimension 0. Multiply by the difference at the end.

# %% picture="07.7"
# your parts of the eagle's score: red speaks for the class, blue against it; and do they add up?
black = torch.zeros_like(eagle)
parts = integrated(net, eagle, black, bald_eagle, 24)
print(f"your parts add up to {parts.sum().item():.2f}")
show_heat(
    eagle, blur(parts[0].sum(0), 2)[None], signed=True, title="integrated gradients, black baseline"
)

# %% [markdown]
# The parts are speckles, red beside blue. Do they add up to the right number?

# %%
# how many steps are enough? and what is added up
sums = {}
for steps in (4, 8, 64):
    some_parts = integrated_gradients(net, eagle, "bald eagle", steps=steps)
    print(
        f"{steps:3} steps: sum {some_parts.sum().item():6.2f} (the scores differ by {difference_of_scores:.2f}); "
        f"positive parts {some_parts.clamp(min=0).sum().item():5.0f}, "
        f"negative {some_parts.clamp(max=0).sum().item():5.0f}"
    )
    sums[steps] = some_parts.sum().item()
    if steps == 8:
        eight_steps = some_parts.sum(1)[0]
order_kept = rank_correlation(eight_steps, some_parts.sum(1)[0])
# the floor: the same factor x, the gradient of another photo
strange = (eagle * input_gradient(net, gun, "cannon")).sum(1)[0]
order_by_x = rank_correlation(strange, some_parts.sum(1)[0])
print(f"rank correlation with 64 steps: 8 steps {order_kept:.2f}, floor {order_by_x:.2f}")

# %% [markdown]
# A few steps miss the number by far, on either side; 64 come close. So print the sum beside such a map. The *order* of the pixels (rank correlation: 1 is the same order, 0 none in common) needs fewer steps: with 8 it is much the same. The photo, which is a factor of both maps, does not do this: times the gradient of another photo it has nothing in common with them.
#
# The score of the eagle is the small remainder of positive and negative parts that are each about a hundred times larger. "Divided among the pixels" sounds better than it is: a single part says little, and the sum over a region can have either sign.
#
# And what is nothing? A black pixel gets no part from a black baseline, whatever the network makes of it: compare the dark wings in the next picture. A blurred photo as the baseline asks another question: which *details* make the score?

# %% claim="4 and 8 steps miss the sum, 64 come close, and the parts are many times larger than their sum"
assert sums[4] < 0.8 * difference_of_scores
assert sums[8] > 1.5 * difference_of_scores
assert abs(sums[64] - difference_of_scores) < 0.15 * difference_of_scores
assert order_kept > 0.75
assert not abs(order_by_x) > 0.1
by_photo = rank_correlation(
    (eagle * input_gradient(net, photo("dalmatian"))).sum(1)[0], eight_steps
)
assert not abs(by_photo) > 0.1
assert some_parts.clamp(min=0).sum() > 30 * difference_of_scores

# %%
# the size of the parts for two baselines; and for the black one without the factor x - x'
mean_gradient = (some_parts / eagle).nan_to_num(0, 0, 0)
from_blurred = integrated_gradients(net, eagle, "bald eagle", baseline="blur", steps=16)
in_size = [blur(one.sum(1)[0].abs(), 2) for one in (some_parts, mean_gradient, from_blurred)]
show_images(
    [eagle[0], *(one / one.quantile(0.99) for one in in_size)],
    ["photo", "black baseline", "black, mean gradient alone", "blurred baseline"],
    vmin=0,
    vmax=1,
    cmap="inferno",
)

# %% [markdown]
# Without the factor the dark wings are brighter than the background, about like the tail (the head is brighter still). The factor $x - x'$ makes them as dark as the background. The baseline is a choice, and it belongs under the picture.

# %% claim="the mean gradient is as large on the dark part of the bird as on the light one; the parts are not"
light = eagle.mean(1)[0]
of_dark = bird & (light < light[bird].quantile(0.4))
of_light = bird & (light > light[bird].quantile(0.7))
for parts_of, least, most in ((mean_gradient, 0.75, 1.3), (some_parts, 0, 0.25)):
    strength = parts_of.sum(1)[0].abs()
    assert least < strength[of_dark].mean() / strength[of_light].mean() < most
bare = mean_gradient.sum(1)[0].abs()
assert not bare[of_dark].mean() < 1.5 * bare[~bird].mean()

# %% [markdown]
# ## Which map is right?
#
# You now have six kinds of maps of one network. Three scores are in use to rank them:
#
# - **inside**: the share of the map that lies on the object (Wang et al., 2020; the older *pointing game* of Zhang et al., 2016, asks only where the maximum is). In nine photos of the gallery one thing fills a good part; GrabCut found its outline in a box that was drawn by hand;
# - **deletion** (Petsiuk et al., 2018): cover the brightest pixels first, more and more of them. The mean probability of the class on this way: *lower* is better;
# - **insertion** (the same paper): start with the covered photo and bring the brightest pixels back first: *higher* is better. To cover means here: to blur.
#
# **Predict.** The table has eight more rows, for maps that ask no network at all: dice for each pixel, the same dice blurred, dice for 7 × 7 patches; a blob of light in the middle; an edge detector, and the difference of the photo to its own blurred copy, each also times the blob. How high will the best of them come?

# %% [markdown] notes="1" minutes=6
# Let them bet on a row of the table that needs no network, before you run the cell.

# %%
# the three scores of two maps for one photo: Grad-CAM, and a map that asks no network, the photo minus its blurred copy times a blob
the_nine, pictures_of, inside = outlined_photos()
own_class = net(pictures_of).argmax(1).tolist()  # each photo's own prediction
which = the_nine.index("bald_eagle")
one_photo = slice(which, which + 1)
two_maps = {
    "Grad-CAM": grad_cam(net, eagle, "bn2.act", bald_eagle, relu=False),
    "the same x blob": maps_without_network(eagle)["the same x blob"],
}
stored = map_scores()
live = {}
for name, heat in two_maps.items():
    heat = torch.nn.functional.interpolate(heat[:, None], (224, 224), mode="bilinear")[:, 0].clamp(
        min=0
    )
    live[name] = three_scores(net, eagle, inside[one_photo], heat, [bald_eagle])
    for when, three in (
        ("now", [x.mean().item() for x in live[name]]),
        (
            "stored",
            [
                x[name][which].mean().item()
                for x in (stored.inside, stored.deletion, stored.insertion)
            ],
        ),
    ):
        print(
            f"{name:16} {when:7} inside {three[0]:.0%}, deletion {three[1]:.2f}, insertion {three[2]:.2f}"
        )

# %%
# all maps and nine photos take minutes, so the course keeps their numbers (`python -m course_utils.training.map_scores` makes them).
# ±: the standard error of the difference to the last row
table = {
    name: [
        x[name].flatten(1).mean(1) if x[name].ndim > 1 else x[name]
        for x in (stored.inside, stored.deletion, stored.insertion)
    ]
    for name in stored.inside
}
print(f"{'':20}       inside        deletion       insertion")
for name, three in table.items():
    apart = [(a - b).std().item() / 3 for a, b in zip(three, table["the same x blob"], strict=True)]
    means = [x.mean().item() for x in three]
    print(
        f"{name:20} {means[0]:6.0%} ± {apart[0]:3.0%}   {means[1]:5.2f} ± {apart[1]:.2f}    {means[2]:5.2f} ± {apart[2]:.2f}"
    )

# %%
# the curves behind the column "deletion": the mean probability while the brightest pixels are blurred
figure, axes = new_figure(width=6.5, aspect=0.6)
for (name, curve), color in zip(
    (
        (n, stored.deletion[n].mean(0))
        for n in ("saliency", "SmoothGrad", "Grad-CAM", "blob in the middle", "dice")
    ),
    ("#7b3294", "#1b7837", "#2166ac", "#d95f02", "gray"),
    strict=True,
):
    style = "--" if name in ("blob in the middle", "dice") else "-"
    axes[0, 0].plot(torch.linspace(0, 1, 11), curve, style, marker="o", color=color, label=name)
axes[0, 0].set_xlabel("share of the photo that is blurred", fontsize=9)
axes[0, 0].set_ylabel("probability of the class", fontsize=9)
axes[0, 0].legend(title="dashed: asks no network", fontsize=8, title_fontsize=8)
figure

# %% [markdown]
# The map in the last row, which no network has drawn, cannot be told from the best in any of the three scores, with these nine photos: its difference to each row of the network is within two standard errors, or it is ahead. And the integrated gradients from the blurred baseline are the same factor, |photo minus blurred|, times a mean gradient. With a blob in the gradient's place they lose nothing.
#
# Compare grain with grain, too (the ± of the table does not hold for these pairs). In deletion the plain gradient is no better than dice, nor the blurred one than blurred dice; inside both are ahead, and in insertion the blurred one by about two standard errors. Grad-CAM is far ahead of the 7 × 7 patches in all three; of the blob by two to three standard errors inside and in insertion, and not in deletion.
#
# These photos have their thing in the middle, so a blob is inside and deletes well. The curves show how little the score sees: from 40 % on the good maps are all near 0, so the first steps decide. The blur takes edges away, so the difference to the blur brings the class back fast.
#
# A good score does not say that a map shows what the *network* does. Better are tests in which you know or change the cause: the planted mark, other inputs, or another network (the next but one section).

# %% claim="one map without a network is as good as the best in all three scores; grain against grain; the first steps decide"
blind = table["the same x blob"]
by_network = [
    n for n in table if "dice" not in n and "blob" not in n and not n.startswith(("edges", "photo"))
]
for which_map in by_network:
    for place, better in ((0, 1), (1, -1), (2, 1)):
        behind = better * (table[which_map][place] - blind[place])
        assert behind.mean() < 2 * behind.std() / 3
assert not (table["Grad-CAM"][0] - table["dice"][0]).mean() < 0.2
for which_map, grain in (("saliency", "dice"), ("saliency, blurred", "dice, blurred")):
    less = table[grain][1] - table[which_map][1]
    assert less.mean() < 2 * less.std() / 3
    more = table[which_map][0] - table[grain][0]
    assert more.mean() > 2 * more.std() / 3
back = table["saliency, blurred"][2] - table["dice, blurred"][2]
assert back.mean() > 1.5 * back.std() / 3
for place, better in ((0, 1), (1, -1), (2, 1)):
    ahead = better * (table["Grad-CAM"][place] - table["dice, 7 x 7 patches"][place])
    assert ahead.mean() > 3 * ahead.std() / 3
than_blob = [a - b for a, b in zip(table["Grad-CAM"], table["blob in the middle"], strict=True)]
assert than_blob[0].mean() > 2 * than_blob[0].std() / 3
assert than_blob[2].mean() > 1.5 * than_blob[2].std() / 3
assert not than_blob[1].mean() < -2 * than_blob[1].std() / 3
for which_map in ("SmoothGrad", "Grad-CAM", "blob in the middle"):
    assert stored.deletion[which_map].mean(0)[4:].max() < 0.06
assert not stored.deletion["dice"].mean(0)[2] < 0.1
for which_map, its_scores in live.items():
    for now, kept_part in zip(
        its_scores, (stored.inside, stored.deletion, stored.insertion), strict=True
    ):
        assert (now.mean() - kept_part[which_map][which].mean()).abs() < 0.03

# %% [markdown]
# ## Explore
#
# Send a class of your choice back to the pixels: type its name. Then choose *one unit*, and click on a place of its feature map. The explorer has two more rules for the way back; lesson 08 explains them.

# %%
# which pixels matter for a class, or for one unit
explorers.Saliency(net)

# %% [markdown]
# ## What this picture does not show
#
# A map that looks convincing can still be worthless. Two tests take a minute (the first is by Adebayo et al., 2018):
#
# 1. **Randomize the weights.** If the map of a network that knows nothing looks the same, the map says nothing about what was learned.
# 2. **Ask for another class.** If its map looks the same, the map says nothing about the class.

# %% [markdown] notes="1" minutes=6
# Hide the titles: which of the three maps needs no network? Then the bars; ask for each row how far they are from its ceiling.

# %%
# the same method on the trained network, on random weights, and an edge detector
nothing = randomized(net)
three = {
    "trained": eagle_smooth[0],
    "random weights": smoothgrad(nothing, eagle, bald_eagle, samples=16)[0],
    "edge detector": edges(eagle)[0],
}
show_images(
    [eagle[0], *(heat / heat.quantile(0.99) for heat in three.values())],
    ["photo", *(f"{name}: {on_the_bird(heat):.0%} on it" for name, heat in three.items())],
    vmin=0,
    vmax=1,
    cmap="inferno",
)


# %%
# the same in numbers: the mean rank correlation of two maps over nine photos, from the same file (thin lines: ± its standard error)
figure, axes = new_figure(1, 2, width=10, aspect=0.75, sharey=True)
rows = {name: -row for row, name in enumerate(stored.sizes)}
for axis, part in zip(axes[0], (stored.sizes, stored.signs), strict=True):
    for look, lift, color in (
        ("random weights", 0.17, "gray"),
        ("another class", -0.17, "#d95f02"),
    ):
        axis.barh(
            [rows[name] + lift for name in part],
            [part[name][look].mean().item() for name in part],
            0.33,
            xerr=[part[name][look].std().item() / 3 for name in part],
            color=color,
            label=look,
            error_kw={"elinewidth": 0.8},
        )
    ceiling = [part[name]["same again"].mean().item() for name in part]
    axis.scatter(
        ceiling,
        [rows[name] for name in part],
        s=350,
        marker="|",
        color="black",
        label="same again: the ceiling",
    )
    axis.set_yticks(list(rows.values()), list(rows))
    axis.set_xlim(-0.2, 1.05)
axes[0, 0].set_title("the size of the maps")
axes[0, 1].set_title("with their sign")
axes[0, 0].legend(fontsize=8, loc="upper right")
figure

# %% [markdown]
# (In the picture, the edge detector has more of its brightest tenth on the bird than SmoothGrad: to lie on the bird proves nothing.)
#
# All three looks see the same nearly equal photo (noise of 0.02; SmoothGrad also other copies). *Same again* changes nothing else: it is the ceiling. *Another class* is that of the next photo in the list. The *size* leaves out the sign. *Gradient* adds up the three colors, *saliency* takes the largest of their sizes. Saliency and SmoothGrad have no sign here.
#
# - **Random weights.** The gradient and Grad-CAM keep next to nothing. Gradient × input keeps about two fifths of its ceiling, the integrated gradients half. The row below these leaves out the factor $x - x'$, the detail of the photo, and keeps next to nothing. No network is in that factor. SmoothGrad keeps about three tenths, although no factor of the photo is in it: something that training did not bring, the photo or the architecture. This test cannot tell which.
# - **Another class, the size.** The gradient and SmoothGrad keep about four fifths or more: what you see depends little on the class. The integrated gradients look the same, but part of this is the photo's: without the factor they keep three fifths. Grad-CAM keeps about half.
# - **With the sign** no row of the right panel has, in the mean, anything in common with another class beyond its error. (For Grad-CAM the single photos lie between about −0.7 and 0.7.) So the absolute value hides the class: bright can mean "for" or "against". Keep the sign when you ask about a class.
#
# (Adebayo et al. also train a network on *random labels*. In lesson 08 you will meet a method whose pictures are sharper, and which fails the first test.)
#
# Other limits of a saliency map:
#
# - It speaks of *small* changes of single pixels. What happens when a whole region goes is the question of lesson 06 (occlusion).
# - Black does not mean unused. The network may need a pixel, and still not react to a small change of it.


# %% claim="the sign tells classes apart, the size of the gradient hardly; what survives random weights"
def share_kept(which_part, which_map, which_look):
    return (
        which_part[which_map][which_look].mean() / which_part[which_map]["same again"].mean()
    ).item()


for which_map in ("saliency", "gradient", "Grad-CAM", "its mean gradient"):
    assert abs(share_kept(stored.sizes, which_map, "random weights")) < 0.2
assert 0.3 < share_kept(stored.sizes, "gradient x input", "random weights") < 0.5
assert 0.2 < share_kept(stored.sizes, "SmoothGrad", "random weights") < 0.45
assert 0.4 < share_kept(stored.sizes, "integrated, blurred", "random weights") < 0.6
assert not share_kept(stored.sizes, "its mean gradient", "random weights") > 0.3
for which_map in ("saliency", "gradient", "SmoothGrad", "integrated, blurred"):
    assert 0.7 < share_kept(stored.sizes, which_map, "another class") < 0.96
assert 0.5 < share_kept(stored.sizes, "its mean gradient", "another class") < 0.7
assert 0.4 < share_kept(stored.sizes, "Grad-CAM", "another class") < 0.65
for its_looks in stored.signs.values():
    assert its_looks["another class"].mean().abs() < its_looks["another class"].std() / 3 * 2
    assert not its_looks["same again"].mean().abs() < its_looks["same again"].std() / 3 * 2
of_single = stored.signs["Grad-CAM"]["another class"]
assert of_single.min() < -0.6
assert of_single.max() > 0.6
assert not stored.signs["gradient"]["another class"].abs().max() > 0.3
# a part of the file anew, for other noise
speckled = eagle + 0.02 * torch.randn(eagle.shape, generator=torch.Generator().manual_seed(2))
coarse_again = grad_cam(net, speckled.clamp(0, 1), "bn2.act", bald_eagle, relu=False)[0]
assert rank_correlation(trio[0], coarse_again) > 0.9
assert not rank_correlation(trio[2], coarse_again) > 0.5

# %%
# the map of a class that is not in the photo: it still shows something
why = torch.cat([eagle_smooth, smoothgrad(net, eagle, "strawberry", samples=16)])
show_heat(
    torch.cat([eagle, eagle]),
    why,
    [
        f"why {name}? {on_the_bird(heat):.0%} on the bird"
        for name, heat in zip(("bald eagle", "strawberry"), why, strict=True)
    ],
)

# %% [markdown]
# "Why strawberry?" also lights up on the bird, as much as "why bald eagle?": the size of SmoothGrad is large there for this class, too. So ask a map two questions:
# what does it show for this class, and what for another one?

# %% claim="the brightest tenth of SmoothGrad lies on the bird for strawberry, too; an edge detector's does, random weights' does not"
assert on_the_bird(why[0]) > 0.5
assert on_the_bird(why[1]) > 0.8 * on_the_bird(why[0])
assert on_the_bird(three["edge detector"]) > on_the_bird(three["trained"])
assert not on_the_bird(three["random weights"]) > 1.5 * bird.float().mean().item()

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=3
# By show of hands, one question at a time.

# %%
# four questions, with an explanation for every answer
quiz("07")

# %% [markdown]
# ## Summary
#
# - Saliency: $M_{ij} = \max_k |\partial S_c / \partial I_{ijk}|$: one forward and one backward pass.
# - Say which number you differentiate: the gradient of a probability shrinks when the network is sure, that of the score does not. Work on a copy; `torch.autograd.grad` leaves nothing behind.
# - SmoothGrad averages signed gradients over noisy copies.
# - Integrated gradients divide the difference to a baseline's score among the pixels; the baseline is a choice.
# - Scores that rank maps need controls: with nine photos, one map that no network has drawn cannot be told from the best. The size of the gradient hides most of the class; its sign shows it.
# - Grad-CAM adds up the last feature maps, each weighted by its mean gradient: coarse, and nearly the same on nearly the same photo.
# - A map is a hypothesis: test it by changing the input, by random weights, by another class, and against an edge detector. Each test needs a ceiling and a floor.
#
# **Papers.** Simonyan, Vedaldi, Zisserman: *Deep Inside Convolutional Networks*, ICLR Workshop 2014. Smilkov et al.: *SmoothGrad: Removing Noise by Adding Noise*, 2017. Adebayo et al.: *Sanity Checks for Saliency Maps*, NeurIPS 2018. Selvaraju et al.: *Grad-CAM*, ICCV 2017. Sundararajan, Taly, Yan: *Axiomatic Attribution for Deep Networks*, ICML 2017. Shrikumar et al.: *Not Just a Black Box*, 2016. Petsiuk, Das, Saenko: *RISE: Randomized Input Sampling for Explanation of Black-box Models*, BMVC 2018 (deletion and insertion). Zhou et al.: *Learning Deep Features for Discriminative Localization*, CVPR 2016. Ribeiro, Singh, Guestrin: *"Why Should I Trust You?" Explaining the Predictions of Any Classifier*, KDD 2016 (the husky and the snow). Boykov, Jolly: *Interactive Graph Cuts*, ICCV 2001. Rother, Kolmogorov, Blake: *GrabCut*, SIGGRAPH 2004. Zhang et al.: *Top-down Neural Attention by Excitation Backprop*, ECCV 2016. Wang et al.: *Score-CAM*, CVPR Workshops 2020.
