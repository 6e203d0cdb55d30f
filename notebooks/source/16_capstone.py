# %% [markdown] lesson="16" title="Capstone: why did it say that?" minutes=86 needs="06, 07, 08"
# You will be able to: take one prediction apart with everything you have built; test each explanation against an experiment that could refute it; and write down what you know, and what you do not.

# %% tags=["setup"]
import copy

import torch
from torch.nn import functional as F

from course_utils import check, gallery, layer_outputs, load_network, photo, quiz, show_images
from course_utils.activations import (
    baseline_images,
    deletion_curve,
    evidence_map,
    occlusion,
    receptive_field,
)
from course_utils.gradients import (
    backprop,
    blur,
    grad_cam,
    integrated_gradients,
    rank_correlation,
    smoothgrad,
)
from course_utils.images import load_image
from course_utils.networks import randomized
from course_utils.plots import new_figure, show_heat

# %%
# the result first: a wrong answer, and what speaks for the right class (red) and for the wrong one (blue)
net = load_network("efficientnet_lite0")
admiral = photo("grace_hopper")
why, _ = evidence_map(net, admiral, "bn2.act", "military uniform", against="academic gown")
for name, probability in net.predict(admiral, k=4)[0]:
    print(f"{probability:4.0%}  {name}")
show_heat(admiral, why, signed=True)

# %% [markdown]
# Grace Hopper, computer scientist and rear admiral, in uniform. The network says *academic gown*, then *mortarboard* (the square cap of a graduate), then *military uniform*. (The mortarboard is not asked about below.) The map says why: the name tag and
# the ribbons speak for the uniform, the collar and the places beside the cap for the gown.
#
# It looks like a good explanation. In this lesson you find out which half of it stands the tests.

# %% [markdown] notes="1" minutes=5
# Show the photo alone first. What would the room say, and from which parts? Write the parts on the board: cap, glasses, collar, tag, ribbons. Each gets a tick or a cross during the lesson.

# %% [markdown]
# ## First: what is the question?
#
# "Why academic gown?" has no answer by itself. Much of the photo may speak for *many* classes of people in clothes. A good question names the alternative: **why gown and not uniform?** So we explain a *difference* of two scores,
#
# $$D = S_{\text{uniform}} - S_{\text{gown}} ,$$
#
# where $S_c$ is the score of class $c$ before the softmax. $D < 0$: the gown wins. The ratio of the two probabilities is $e^D$, whatever the other classes do.

# %%
# the two scores, their difference, and the ratio of the probabilities
uniform, gown = net.class_index("military uniform"), net.class_index("academic gown")
with torch.no_grad():
    scores = net(admiral)[0]
difference = scores[uniform] - scores[gown]
print(f"uniform {scores[uniform]:.2f}, gown {scores[gown]:.2f}, difference {difference:.2f}")
print(f"ratio of the probabilities {difference.exp():.2f}")

# %% [markdown] notes="1" minutes=4
# Ask for other alternatives: why not "bow tie"? Each gives another map.

# %% [markdown]
# ## Evidence that adds up
#
# This network ends in a short sum. The last feature maps $A_k$ ($k = 1, \dots, 1280$, each $7 \times 7$) are averaged over their places $(i, j)$, and a linear layer weights the means:
#
# $$S_c = b_c + \sum_k w_{ck}\, \frac{1}{49} \sum_{i,j} A_k(i,j) = b_c + \sum_{i,j} \underbrace{\frac{1}{49} \sum_k w_{ck} A_k(i,j)}_{M_c(i,j)} .$$
#
# - $w_{ck}, b_c$: weights and bias of the last layer for class $c$.
# - $M_c(i,j)$: what place $(i,j)$ adds to the score. All 49 and the bias *are* the score.
#
# This is *class activation mapping* (Zhou et al., 2016), divided by the number of places.

# %% [markdown]
# **In the head first.** Two maps of $1 \times 2$: $A_1 = [4, 0]$, $A_2 = [0, 2]$. The class has $w = (3, -1)$ and $b = 1$. What is $M$? What is the score? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=14
# The two maps on paper, then 16.1. The usual slips: no division, and the mean over channels.

# %%
# the map M, and the score
places = torch.tensor([[4.0, 0.0], [0.0, 2.0]])  # (channels, places)
weights = torch.tensor([3.0, -1.0])
added = weights @ places / 2
added.tolist(), 1 + added.sum().item()

# %% [markdown] exercise="16.1" title="Build it: evidence for one class against another" points=2 difficulty=2 importance=5 minutes=10 own="course_utils.activations:evidence_map"
# The map of $D = S_{\text{one}} - S_{\text{two}}$: what each place adds to the difference. The biases belong to no place, so they are returned beside the map, as their difference.


# %% exercise="16.1"
def evidence(maps, weight, bias, one, two):
    """What each place adds to the difference of two scores.

    maps: (K, h, w), the last feature maps; weight: (classes, K) and bias: (classes,) of the last layer
    one, two: class indices
    returns: a map (h, w), and a number; their sum is score[one] - score[two]
    """
    ### BEGIN SOLUTION
    w = weight[one] - weight[two]
    found = (w[:, None, None] * maps).sum(0) / maps[0].numel()
    return found, bias[one] - bias[two]
    ### END SOLUTION


check("16.1", evidence)

# %% [markdown] fold="Hint"
# Both scores are linear in the maps. So is their difference: its weights are `weight[one] - weight[two]`. Then divide by the number of places, `h * w`.

# %% uses="16.1"
# your map of the admiral, added up, against the difference from above
last = net.layer("classifier")
seen = layer_outputs(net, admiral, ["bn2.act"])["bn2.act"][0]
mine, rest = evidence(seen, last.weight.detach(), last.bias.detach(), uniform, gown)
print(f"places {mine.sum():.2f}, biases {rest:.2f}, together {mine.sum() + rest:.2f}")

# %% [markdown] solution="16.1"
# Without the division by $h \cdot w$ the picture looks the same and the sum is 49 times too large. The first paper prints it so; then the places do not add up to the score.

# %%
# the same for each class alone (each row has its own color scale)
pair = admiral.expand(2, -1, -1, -1)
alone, _ = evidence_map(net, pair, "bn2.act", ["academic gown", "military uniform"])
show_heat(pair, alone, ["academic gown", "military uniform"], signed=True)

# %% [markdown]
# Alone, both maps are nearly all red, and much alike: this is why the question needs an alternative.
#
# The map is exact, and it can still mislead. A "place" of the last layer is not a square of the photo: its receptive field (lesson 05) is larger than the whole image. The tag's place *adds* to the uniform. Whether it does so *because of the tag* must
# be tested on the photo.

# %% claim="alone, each map is nearly all red and they are alike; the field of the last layer is larger than the image"
assert (alone < 0).float().mean((1, 2)).max() < 0.1
assert rank_correlation(alone[0], alone[1]) > 0.6
assert min(receptive_field(net, "bn2.act").size) > 224

# %% [markdown]
# ## Test it: cover what the map names
#
# **Predict, run, explain.** Each of six parts is covered by middle gray, by the photo's mean color, and by the blurred photo. Will the ratio uniform / gown (a) rise, (b) fall, (c) stay within 0.1 with all three, or (d) depend on the cover? Look at the map, write down six letters, then run the cell.

# %% [markdown] notes="1" minutes=16
# Letters on the board before the cell. After it, count who had all three columns of a row right. Then the bug: who sees it before running?

# %%
# the six parts; and the ratio uniform / gown with each of them covered, by three different covers
parts = {  # top, left, bottom, right
    "nothing": (0, 0, 0, 0),
    "cap": (0, 62, 60, 180),
    "beside cap": (0, 180, 60, 224),
    "glasses": (45, 60, 80, 175),
    "name tag": (195, 22, 220, 78),
    "ribbons": (200, 155, 224, 215),
    "collar": (140, 60, 200, 165),
}
covers = {name: baseline_images(admiral, name) for name in ("gray", "mean", "blur")}


def changes(box):
    """What covering a box adds to D, for each of the three covers."""
    (top, left, bottom, right), covered = box, []
    for cover in covers.values():
        covered.append(admiral.clone())
        covered[-1][:, :, top:bottom, left:right] = cover[:, :, top:bottom, left:right]
    with torch.no_grad():
        s = net(torch.cat(covered))
    return s[:, uniform] - s[:, gown] - difference


by_part = {part: changes(box) for part, box in parts.items()}
print(f"{'':10s}", *(f"{name:>6s}" for name in covers))
for part, change in by_part.items():
    print(f"{part:10s}", *(f"{ratio:6.2f}" for ratio in (difference + change).exp()))
figure = show_images([admiral[0]], width=4)
for part, (top, left, bottom, right) in list(parts.items())[1:]:
    x, y = [left, right, right, left, left], [top, top, bottom, bottom, top]
    figure.axes[0].plot(x, y, color="yellow", linewidth=1)
    figure.axes[0].text(left, bottom, part, fontsize=7, backgroundcolor="white")
figure

# %% [markdown]
# - **Name tag, ribbons:** the ratio falls to a fraction, with every cover.
# - **Collar, beside the cap:** blue in the map, so without them the ratio should rise, to about 0.9 and 0.8. Without the collar it falls with every cover; beside the cap it stays or falls.
# - **Cap:** the answer depends on the cover. A gray box is not "no cap": it is a gray box on a head.
# - **Glasses:** nearly white in the map. Covered, they raise the ratio with every cover, and with the blur most of all.
#
# The control: boxes of the same size at ten other places, away from the part, the tag and the ribbons. How many of them lower $D$ more? (A box as large as cap or collar finds room only across head or collar: for these two there is no fair control.)

# %%
# four parts: the change of D, and how many of 10 boxes of the same size at other places lower D more
dice = torch.Generator().manual_seed(0)


def elsewhere(box, count=10):
    """Boxes of the same size at random places that touch neither the box nor tag nor ribbons."""
    height, width, found = box[2] - box[0], box[3] - box[1], []
    while len(found) < count:
        y, x = (int(torch.randint(225 - side, (1,), generator=dice)) for side in (height, width))
        apart = [
            y >= bottom or y + height <= top or x >= right or x + width <= left
            for top, left, bottom, right in (box, parts["name tag"], parts["ribbons"])
        ]
        if all(apart):
            found.append((y, x, y + height, x + width))
    return found


lower = {}
print(f"{'':10s}", *(f"{name:>6s}" for name in covers), "   lower elsewhere, of 10")
for part in ("beside cap", "glasses", "name tag", "ribbons"):
    others = torch.stack([changes(other) for other in elsewhere(parts[part])])
    lower[part] = (others < by_part[part]).sum(0).tolist()
    print(
        f"{part:10s}",
        *(f"{value:6.2f}" for value in by_part[part]),
        "  ",
        *(f"{n:3}" for n in lower[part]),
    )

# %% [markdown]
# Tag and ribbons pass: none of the ten lowers $D$ as much. The glasses pass on the other side: nearly all of the ten lower it more. Now cover *every* place with one small box, as large as the tag (lesson 06).

# %%
# what each place is worth to D: occlusion with two covers, beside the evidence (each row has its own color scale)
worth = torch.cat(
    [
        occlusion(
            net,
            admiral,
            lambda s: s[:, uniform] - s[:, gown],
            window=(25, 56),
            stride=(12, 28),
            baseline=name,
            progress=False,
        )
        for name in ("mean", "blur")
    ]
)
booked = F.interpolate(why[None], (224, 224), mode="bilinear")[0]
show_heat(
    admiral.expand(3, -1, -1, -1),
    torch.cat([booked, worth]),
    ["evidence", "occlusion, mean color", "occlusion, blur"],
    signed=True,
)

# %% [markdown]
# The two covers agree on this: red are, above all, the tag with the cloth around it, the ribbons, and the gold of the cap at the upper edge; the glasses are blue. So of the evidence map's red half, tag and ribbons stand. Its blue half does not: the places beside the cap are not blue here, nor is the collar as a whole. And the glasses it nearly missed.

# %% claim="tag and ribbons halve the ratio with each cover; the collar lowers it too; beside the cap it does not rise; the glasses raise it; the cap depends on the cover"
for key in ("name tag", "ribbons"):
    assert by_part[key].max() < -0.7
assert by_part["collar"].max() < -0.3
assert by_part["glasses"].min() > 0
assert by_part["glasses"][2] > 1.5 * max(v.max() for k, v in by_part.items() if k != "glasses")
assert by_part["cap"].max() - by_part["cap"].min() > 0.5
assert by_part["beside cap"].max() < 0.05

# %% claim="no box elsewhere lowers D as much as on tag and ribbons; nearly all lower it more than on the glasses; a larger box has no fair control"
for key in ("name tag", "ribbons"):
    assert max(lower[key]) == 0
assert min(lower["glasses"]) >= 8
for key in ("cap", "collar"):
    upper_, left_, lower_, right_ = parts[key]
    for y_ in range(225 - (lower_ - upper_)):
        for x_ in range(225 - (right_ - left_)):
            down_, end_ = y_ + lower_ - upper_, x_ + right_ - left_
            if (
                y_ >= lower_ or down_ <= upper_ or x_ >= right_ or end_ <= left_
            ):  # apart from the part
                assert x_ < 160 and end_ > 75 and y_ < 200  # across the columns of the head

# %% claim="occlusion of D: tag, ribbons and the gold of the cap red with both covers, glasses blue; beside the cap not blue, the collar neither"
for worth_ in worth:
    inside_ = {k: worth_[a:c, b:d].mean() for k, (a, b, c, d) in parts.items() if k != "nothing"}
    assert inside_["name tag"] > 1
    assert inside_["ribbons"] > 0.5
    assert worth_[:10, 80:160].mean() > 0.4
    assert inside_["glasses"] < -0.2
    assert inside_["beside cap"] > -0.05
    assert inside_["collar"] > 0
    assert worth_[170:190, 10:60].mean() > 0.4

# %% [markdown]
# Is it the *tag*, or any bright plate on dark cloth? Take it away, and put it back at four places of the jacket; or a plain plate of its color and outline; or the tag with its bright pixels shuffled.

# %%
# D of the photo, without the tag, and with three pieces at four places of the jacket: the tag's own, and three others
top, left, bottom, right = parts["name tag"]
tag, bare = admiral[:, :, top:bottom, left:right], admiral.clone()
bare[:, :, top:bottom, left:right] = admiral[:, :, 165:190, 22:78]
bright = tag.mean(1, keepdim=True) > 0.3
color = (tag * bright).sum((2, 3), keepdim=True) / bright.sum()
jackets, spots = [admiral, bare], [(top, left), (168, 2), (168, 30), (168, 150)]
inside = bright[0, 0]
mixed = torch.randperm(int(inside.sum()), generator=torch.Generator().manual_seed(1))
shuffled = tag.clone()
shuffled[:, :, inside] = tag[:, :, inside][:, :, mixed]
for piece in (tag, torch.where(bright, color, tag), shuffled):
    for y, x in spots:
        jackets.append(bare.clone())
        jackets[-1][:, :, y : y + bottom - top, x : x + right - left] = piece
with torch.no_grad():
    s = net(torch.cat(jackets))
of_jackets = (s[:, uniform] - s[:, gown]).tolist()
print(f"photo {of_jackets[0]:.2f}, without the tag {of_jackets[1]:.2f}")
print("with the tag  ", *(f"{value:6.2f}" for value in of_jackets[2:6]))
print("with the plate", *(f"{value:6.2f}" for value in of_jackets[6:10]))
print("shuffled      ", *(f"{value:6.2f}" for value in of_jackets[10:]))
on_cloth = torch.stack([changes((y, x, y + bottom - top, x + right - left)) for y, x in spots])
print("the tag's box covered at these places:")
for name, costs in zip(covers, on_cloth.T, strict=True):
    print(f"{name:14s}", *(f"{one:6.2f}" for one in costs))
show_images(
    [jackets[k][0, :, 150:] for k in (1, 5, 9, 13)],
    ["without", "tag moved", "plate", "shuffled"],
    columns=2,
    width=8,
)

# %% [markdown]
# The tag works at each place as at its own. The plate brings back only a part. The shuffled tag brings back more: its marks count in any order. At three of the four places the tag itself brings back clearly more still: there the order counts, too. The same box over cloth costs less than over the tag. But it is not free: at the left of the jacket mostly more than half as much, at the right nothing.

# %% claim="the tag moved restores D within 0.5; plate less, shuffled in between, at three places clearly; the box on cloth costs less, at the left mostly over half"
photo_d, bare_d = of_jackets[:2]
of_tag, of_plate, of_mixed = (of_jackets[k : k + 4] for k in (2, 6, 10))
assert bare_d < photo_d - 1
assert max(abs(value - photo_d) for value in of_tag) < 0.5
for with_tag, with_plate, with_mixed in zip(of_tag, of_plate, of_mixed, strict=True):
    assert bare_d + 0.25 < with_plate < with_mixed - 0.08
    assert with_mixed < with_tag
assert sum(a > b + 0.2 for a, b in zip(of_tag, of_mixed, strict=True)) == 3
assert (on_cloth[1:] > 0.8 * on_cloth[0]).all()
assert (on_cloth[1:3] < 0.5 * on_cloth[0]).sum() >= 4
assert on_cloth[3].min() > 0

# %% [markdown]
# The map's three places of the tag add 0.3 to $D$; covering the tag costs more than five times as much. Where does an effect arrive? Subtract from the map of the photo that of the covered photo.

# %%
# M of the photo minus M of the covered photo (mean color): the numbers add up to what the cover costs
hidden = []
for part in ("name tag", "collar"):
    top, left, bottom, right = parts[part]
    hidden.append(admiral.clone())
    hidden[-1][:, :, top:bottom, left:right] = covers["mean"][:, :, top:bottom, left:right]
without, _ = evidence_map(
    net, torch.cat(hidden), "bn2.act", "military uniform", against="academic gown"
)
arrives = why - without
six = [one[5:, :3].sum().item() for one in (why[0], without[0])]
print(
    f"three places of the tag {why[0, 6, :3].sum():.2f}; the six around it {six[0]:.2f}, covered {six[1]:.2f}"
)
show_heat(torch.cat(hidden), arrives, ["the tag's effect", "the collar's effect"], signed=True)

# %% [markdown]
# Most of the tag's effect arrives at its three places and the three above. With a box of the mean color there they do not fall to zero: they speak for the *gown*. The map counts from zero, the experiment from what takes the tag's place.
#
# About half of the collar's effect arrives at places that the box does not touch. The two largest are on the shoulders, at the box's upper corners, which it touches by at most 5 columns. The map books it there. (Each row has its own color scale.)

# %% claim="most of the tag's effect arrives at six places, which change their sign; half of the collar's outside; the tag costs five times its evidence"
assert arrives[0, 5:, :3].sum() > 0.7 * arrives[0].sum()
assert six[0] > 0.4
assert six[1] < -0.4
assert arrives[1].sum() - arrives[1, 4:7, 1:6].sum() > 0.4 * arrives[1].sum()
assert -by_part["name tag"].max() > 5 * why[0, 6, :3].sum()
assert sorted(arrives[1].flatten().topk(2).indices.tolist()) == [4 * 7 + 1, 4 * 7 + 5]
assert 2 * 32 - parts["collar"][1] <= 5 and parts["collar"][3] - 5 * 32 <= 5
assert 0.25 < why[0, 6, :3].sum() < 0.35

# %% [markdown] exercise="16.2" title="Spot the bug: necessary, sufficient" points=2 difficulty=3 importance=4 minutes=10
# A part is *necessary* if the score falls without it, and *sufficient* if the score stays with it alone. The function should return both scores. The second number comes out the same for every part. Find out why, and repair it.


# %% exercise="16.2"
def without_and_only(net, image, cover, box, target):
    """The score of a class without a part of the image, and with this part alone.

    net: net(image) gives scores (1, classes); image, cover: (1, 3, H, W)
    box: top, left, bottom, right; bottom and right are the first row and column outside; target: a class index
    returns: score with the box showing the cover, score with all but the box showing the cover
    """
    top, left, bottom, right = box
    ### BEGIN SOLUTION
    without = image.clone()
    without[:, :, top:bottom, left:right] = cover[:, :, top:bottom, left:right]
    only = cover.clone()
    only[:, :, top:bottom, left:right] = image[:, :, top:bottom, left:right]
    ### END SOLUTION
    ### BEGIN STUB
    # without = image
    # without[:, :, top:bottom, left:right] = cover[:, :, top:bottom, left:right]
    # only = cover.clone()
    # only[:, :, top:bottom, left:right] = image[:, :, top:bottom, left:right]
    ### END STUB
    with torch.no_grad():
        return net(without)[0, target], net(only)[0, target]


check("16.2", without_and_only)

# %% uses="16.2"
# your function on (a copy of) the admiral, with the blurred cover: D without each part, and with this part alone
print(f"{'part':10s} without    only")
for part, box in parts.items():
    of_uniform = without_and_only(net, admiral.clone(), covers["blur"], box, uniform)
    of_gown = without_and_only(net, admiral.clone(), covers["blur"], box, gown)
    print(f"{part:10s} {of_uniform[0] - of_gown[0]:7.2f} {of_uniform[1] - of_gown[1]:7.2f}")

# %% [markdown]
# Compare with the row "nothing": $D$ of the photo, and of the blurred photo. Say that a part is necessary for the uniform if its first number is at least 0.5 lower, and speaks for it alone if the second is at least 0.5 higher. Only tag and ribbons do both. Neither is sufficient: alone, each stays below $D$ of the photo.

# %% [markdown] fold="Hint"
# After the third line, what does `image` hold inside of the box?

# %% [markdown] solution="16.2"
# `without = image` makes a second name, not a second image. The box was covered in both. The caller's photo is damaged as well, and every experiment after this one is wrong without an error.

# %% claim="of six parts only tag and ribbons lower D by their absence and raise it alone; neither reaches D of the photo"
alone_d, without_d = {}, {}
for key, where_ in parts.items():
    numbers_ = [without_and_only(net, admiral, covers["blur"], where_, c) for c in (uniform, gown)]
    without_d[key], alone_d[key] = (numbers_[0][k] - numbers_[1][k] for k in (0, 1))
for key in ("name tag", "ribbons"):
    assert without_d[key] < without_d["nothing"] - 0.5
    assert alone_d[key] > alone_d["nothing"] + 0.5
    assert alone_d[key] < difference - 0.2
for key in ("cap", "beside cap", "glasses", "collar"):
    assert not alone_d[key] > alone_d["nothing"] + 0.5

# %% [markdown]
# ## Two more witnesses
#
# Lesson 07 has two more maps.
#
# - **Grad-CAM** weights the last feature maps by their mean gradient. This network ends in a mean and a linear layer, so the gradient of $S_c$ with respect to $A_k$ is $w_{ck} / 49$ everywhere: here Grad-CAM *is* the evidence map, without its negative half. It is no second witness.
# - **Integrated gradients** give every *pixel* a part of $D$. The parts add up to $D$ of the photo minus $D$ of a baseline, here the blurred photo.

# %% [markdown] notes="1" minutes=6
# Ask before the cell: which of the two can disagree with the evidence map? Then look at the sums before any other row.

# %%
# one network whose score of the uniform is D: from its row in the last layer, subtract the row of the gown
versus = copy.deepcopy(net)
with torch.no_grad():
    end = versus.layer("classifier")
    end.weight[uniform] -= end.weight[gown]
    end.bias[uniform] -= end.bias[gown]
blurred = covers["blur"]
few, many = (
    integrated_gradients(versus, admiral, uniform, baseline=blurred, steps=steps)[0].sum(0)
    for steps in (32, 64)
)
spread = F.interpolate(why[None], (224, 224), mode="nearest")[0, 0] / 32**2  # 32 x 32 pixels each

# %%
# what each part adds to D by evidence and by integrated gradients; and what D loses when the part is covered
print(f"{'':10s} evidence   integrated with        covered by")
print(f"{'':10s}            32 / 64 points    gray   mean   blur")
table = {}
for part, (top, left, bottom, right) in list(parts.items())[1:]:
    table[part] = [one[top:bottom, left:right].sum().item() for one in (spread, few, many)]
    print(f"{part:10s}", *(f"{value:8.2f}" for value in table[part]), end="   ")
    print(*(f"{-value:6.2f}" for value in by_part[part]))
print(f"{'whole':10s}", *(f"{one.sum():8.2f}" for one in (spread, few, many)))
with torch.no_grad():
    s = net(blurred)[0]
gap = difference - (s[uniform] - s[gown])
print(f"D of the photo minus D of the blurred photo: {gap:.2f}")
two_maps = [F.interpolate(why[None], (224, 224), mode="bilinear")[0, 0], blur(many, 4)]
two_titles = ["evidence", "integrated gradients, 64 points, smoothed"]  # each with its own scale
show_heat(admiral.expand(2, -1, -1, -1), torch.stack(two_maps), two_titles, signed=True)

# %% [markdown]
# First the sums. The parts should add up to the last line. With 32 points they do; with 64 they do not: the sum has not converged, and that it fitted once proves nothing. Read only what stays when you double the points. For **tag and ribbons** (uniform) and the **glasses** (gown) all witnesses have the same sign, though the evidence is far smaller. (It is booked by area: the tag's box is less than half of its three places.) The **collar's** number changes by more than half: it says nothing.
#
# Nor are they independent: integrated gradients compare with the blurred photo, as one of the covers does.

# %% claim="all agree on tag, ribbons and glasses, with 32 and 64 points; the evidence is far smaller; the collar's number and the sum have not converged"
for key in ("name tag", "ribbons"):
    assert min(table[key]) > 0.1
    assert min(table[key][1:]) > 1.2
    assert abs(table[key][1] - table[key][2]) < 0.3 * table[key][1]
    assert table[key][0] < 0.25 * min(table[key][1:])
    assert table[key][0] < 0.25 * -by_part[key].max()
assert abs(table["collar"][1] - table["collar"][2]) > 0.5 * max(map(abs, table["collar"][1:]))
assert abs(many.sum() - gap) > 0.3
assert max(table["glasses"][1:]) < -1.1
assert table["glasses"][0] < -0.02 and -by_part["glasses"].min() < -0.25
for key in ("collar", "beside cap"):
    assert table[key][0] < -0.1

# %% claim="Grad-CAM is the positive half of the evidence map here; the score of the changed network is D"
cam_of = grad_cam(net, admiral, "bn2.act", "academic gown")
evidence_of = evidence_map(net, admiral, "bn2.act", "academic gown")[0]
torch.testing.assert_close(cam_of, evidence_of.clamp(min=0), rtol=1e-3, atol=1e-4)
with torch.no_grad():
    score_of_versus = versus(admiral)[0, uniform]
assert abs(score_of_versus - difference) < 0.01

# %% [markdown]
# ## Which map can be trusted?
#
# Back to a simpler question, with one class: where is the *academic gown*? You know several maps for it. **Delete** the pixels that a map calls important, the most important first (here they turn into the blurred photo), and watch the probability: the sooner it falls, the better the map (pixel flipping, Bach et al., 2015; Samek et al., 2017, flip regions). Or **insert** them into a blurred
# photo: the sooner it rises, the better (Petsiuk et al., 2018). The mean of the curve is its grade.

# %% [markdown]
# **In the head first.** The "network" says $p = 0.6\,a + 0.4\,b + 0\,c$ for three pixels $(1, 1, 1)$; a deleted pixel is 0. Map 1 ranks $a, b, c$; map 2 ranks $c, b, a$. What are the two deletion curves? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=20
# The two curves on paper. In 16.3, ask what happens to pixels with equal heat. The figure takes 20 seconds: collect the votes meanwhile.

# %%
# delete in the order of each map
share = torch.tensor([0.6, 0.4, 0.0])
for order in ([0, 1, 2], [2, 1, 0]):
    left_over = torch.ones(3)
    curve = [(share @ left_over).item()]
    for pixel in order:
        left_over[pixel] = 0
        curve.append((share @ left_over).item())
    print([round(value, 2) for value in curve], "mean", round(sum(curve) / len(curve), 2))

# %% [markdown] exercise="16.3" title="Build it: the deletion curve" points=3 difficulty=3 importance=5 minutes=14 own="course_utils.activations:deletion_curve"
# `counts` says how many pixels are covered at each point of the curve, for example `[0, 10, 20]`. A pixel is covered in all three channels. The curve holds the *probability* of the target.


# %% exercise="16.3"
def deletion(net, image, heat, cover, counts, target):
    """The probability of a class while the most important pixels are covered.

    net: net(image) gives scores (1, classes); image, cover: (1, 3, H, W); heat: (H, W), no two values equal
    counts: numbers of covered pixels; target: a class index
    returns: (len(counts),)
    """
    ### BEGIN SOLUTION
    order = heat.flatten().argsort(descending=True)
    curve = []
    for count in counts:
        covered = torch.zeros(heat.numel(), dtype=torch.bool)
        covered[order[:count]] = True
        changed = torch.where(covered.reshape(heat.shape), cover, image)
        with torch.no_grad():
            curve.append(net(changed).softmax(1)[0, target])
    return torch.stack(curve)
    ### END SOLUTION


check("16.3", deletion)

# %% [markdown] fold="Hint"
# `order = heat.flatten().argsort(descending=True)` gives the pixel numbers, the most important first. A mask of `H * W` booleans, `True` at `order[:count]`, goes back to a picture with `.reshape(heat.shape)`, and `torch.where(mask, cover, image)` does the covering.

# %% [markdown] solution="16.3"
# `argsort` returns which pixel is on which rank. The rank of each pixel would be the `argsort` of that; the two are confused easily, and then random-looking pixels are covered.

# %% picture="16.3"
# your curves: the places of the evidence map, the most important first, and the least important first
heat = F.interpolate(
    evidence_map(net, admiral, "bn2.act", "academic gown")[0][None], (224, 224), mode="bicubic"
)[0, 0]
counts = torch.linspace(0, heat.numel(), 11).long().tolist()
figure, axes = new_figure(width=6, aspect=0.5)
for name, ranking, look in (
    ("most important first", heat, "-"),
    ("least important first", -heat, "--"),
):
    fallen = deletion(net, admiral, ranking, covers["blur"], counts, gown)
    axes[0, 0].plot(torch.linspace(0, 1, 11), fallen, look, label=name)
axes[0, 0].set_xlabel("share of the pixels that is covered", fontsize=9)
axes[0, 0].set_ylabel("probability of academic gown", fontsize=9)
axes[0, 0].legend(fontsize=8)
figure

# %% [markdown]
# The dashed curve first *rises*: what the map puts last speaks against the gown, or for other classes.
#
# **Predict, run, explain.** Four maps for *academic gown*, and one of random numbers. In the deletion test, where will the random numbers come out: (a) last, (b) in the middle, (c) among the best? Write it down, then run the cell. Each map has its own control: itself, moved to three other places.

# %% claim="the least important first: the probability rises first"
assert fallen.max() > 1.2 * fallen[0]

# %%
# deletion and insertion for five maps; gray: the same map, moved around the borders three times (about 20 seconds)
generator = torch.Generator().manual_seed(1)
shifts = torch.randint(56, 168, (3, 2), generator=generator).tolist()
maps = {
    "SmoothGrad": smoothgrad(net, admiral, "academic gown"),
    "guided backprop": backprop(net, admiral, "academic gown", rule="guided").abs().amax(1),
    "occlusion": occlusion(net, admiral, "academic gown", window=48, stride=16, progress=False),
    "evidence": evidence_map(net, admiral, "bn2.act", "academic gown")[0],
    "random pixels": torch.rand(1, 224, 224, generator=generator),
}
grades = {}
figure, axes = new_figure(3, 5, width=10, aspect=0.9)
for column, (name, heat) in enumerate(maps.items()):
    large = F.interpolate(heat[None], (224, 224), mode="bilinear")[0, 0]
    moved = torch.stack([large, *(large.roll(shift, (0, 1)) for shift in shifts)])
    axes[0, column].imshow(large, cmap="gray", vmax=large.quantile(0.99))
    axes[0, column].axis("off")
    axes[0, column].set_title(name, fontsize=8)
    for row, insert in enumerate((False, True), start=1):
        curves = deletion_curve(
            net, admiral.expand(4, -1, -1, -1), moved, "academic gown", steps=5, insert=insert
        )
        grades[name, insert] = curves.mean(1)
        own, rest = grades[name, insert][0], grades[name, insert][1:]
        axis = axes[row, column]
        axis.plot(torch.linspace(0, 1, 6), curves[1:].T, color="gray", linewidth=0.8)
        axis.plot(torch.linspace(0, 1, 6), curves[0], color="black")
        axis.set_title(f"{own:.2f}, moved {rest.min():.2f} to {rest.max():.2f}", fontsize=8)
        axis.set_ylim(-0.02, 0.6)
axes[1, 0].set_ylabel("deleted: low is good", fontsize=9)
axes[2, 0].set_ylabel("inserted: high is good", fontsize=9)
axes[2, 2].set_xlabel("share of the pixels; height: probability of academic gown", fontsize=9)
figure

# %% [markdown]
# (c): random pixels delete as well as SmoothGrad and guided backprop, and better than occlusion and evidence. So compare a map with its own moved copies. SmoothGrad and guided backprop delete no better than at wrong places. (All fine maps fall to the floor at the first step. But so it is with the first 0.5 to 8 % of the pixels, too.) Occlusion does, clearly, in
# both tests; evidence does, by less. But occlusion plays at home: it was made by covering. Two more controls: the same SmoothGrad map with coarse grain, and a blob in the middle that knows nothing of the network.

# %%
# the two grades of SmoothGrad, averaged over squares of 32 x 32 pixels, and of a blob in the middle
away = (torch.arange(224.0) - 111.5).square()
blob = -(away[:, None] + away)[None]
coarse_grain = F.avg_pool2d(maps["SmoothGrad"][None], 32)[0]
for name, heat in (("SmoothGrad, coarse", coarse_grain), ("blob", blob)):
    for insert in (False, True):
        curve = deletion_curve(net, admiral, heat, "academic gown", steps=5, insert=insert)
        grades[name, insert] = curve.mean(1)
    print(f"{name:18s} deleted {grades[name, False][0]:.2f}, inserted {grades[name, True][0]:.2f}")

# %% [markdown]
# The same map with coarse grain deletes worse and inserts better. **The test measures the grain of a map as well as its truth.** And the blob is as good as occlusion in deletion, and as good as evidence in insertion: on this photo, a good grade is no proof.
#
# A photo with holes is unlike the photos of the training: does the probability fall because the right pixels are gone, or because holes are strange? **ROAR** ("remove and retrain", Hooker et al., 2019) therefore covers the pixels in the photos of the training *and* of the test, trains the network anew, and
# looks how much worse it becomes. There, several well-known maps were no better than random pixels.

# %% claim="fine maps and random pixels delete better than coarse ones, and insert worse; only occlusion and evidence beat their moved copies"
for coarse_ in ("occlusion", "evidence"):
    for fine_ in ("SmoothGrad", "guided backprop", "random pixels"):
        assert grades[fine_, False][0] < 0.8 * grades[coarse_, False][0]
        assert grades[fine_, True][0] < 0.5 * grades[coarse_, True][0]
        assert not grades[fine_, False][0] < 0.85 * grades[fine_, False][1:].min()
    assert grades[coarse_, False][0] < 0.85 * grades[coarse_, False][1:].min()
    assert grades[coarse_, True][0] > 1.15 * grades[coarse_, True][1:].max()
assert abs(grades["random pixels", False][0] - grades["SmoothGrad", False][0]) < 0.02
assert grades["SmoothGrad, coarse", False] > 1.5 * grades["SmoothGrad", False][0]
assert grades["SmoothGrad, coarse", True] > 2 * grades["SmoothGrad", True][0]
assert abs(grades["blob", False] - grades["occlusion", False][0]) < 0.03
assert grades["blob", True] > 0.85 * grades["evidence", True][0]
for fine_ in ("SmoothGrad", "guided backprop"):
    early_ = []
    for by_ in ((0, 0), *shifts):
        rank_ = maps[fine_][0].roll(by_, (0, 1)).flatten().argsort(descending=True).argsort()
        firsts_ = [
            rank_.reshape(224, 224) < round(224**2 * k) for k in (0.005, 0.01, 0.02, 0.04, 0.08)
        ]
        without_ = torch.stack([torch.where(k, blurred[0], admiral[0]) for k in firsts_])
        with torch.no_grad():
            early_.append(net(without_).softmax(1)[:, gown].mean())
    assert not early_[0] < 0.85 * min(early_[1:])
assert grades["occlusion", False][0] < 0.8 * grades["occlusion", False][1:].min()
assert grades["occlusion", True][0] > 1.25 * grades["occlusion", True][1:].max()

# %% [markdown]
# ## Would it look the same if the network knew nothing?
#
# The sanity check of lessons 07 and 08, for all four maps: the same maps from networks with random weights (biases and batch norm stay). A map that does not change cannot have been about what the network learned.

# %% [markdown] notes="1" minutes=5
# Ask for a bet on each row before the cell. Who bet on guided backprop?


# %%
# how similar is each map to those of two networks with random weights? (rank correlation; about 15 seconds)
def four_maps(network):
    return {
        "SmoothGrad": smoothgrad(network, admiral, "academic gown"),
        "guided backprop": backprop(network, admiral, "academic gown", rule="guided").abs().amax(1),
        "occlusion": occlusion(network, admiral, gown, window=48, stride=16, progress=False),
        "evidence": evidence_map(network, admiral, "bn2.act", "academic gown")[0],
    }


again = [four_maps(randomized(net, seed=seed)) for seed in range(2)]
similar, chance, dice_16 = {}, {}, torch.Generator().manual_seed(0)
print(f"{'':16s} two networks  size   chance")
for name in again[0]:
    similar[name] = torch.tensor([rank_correlation(maps[name], one[name]) for one in again])
    side = maps[name].shape[2]
    far = torch.randint(side // 4, side - side // 4, (20, 2), generator=dice_16).tolist()
    by_luck = [rank_correlation(maps[name], maps[name].roll(by, (1, 2))) for by in far]
    chance[name] = torch.tensor(by_luck).square().mean().sqrt()
    numbers = " ".join(f"{value:5.2f}" for value in similar[name])
    print(f"{name:16s} {numbers}   {similar[name].abs().mean():5.2f}   ±{chance[name]:.2f}")
ten = backprop(randomized(net, last=10), admiral, "academic gown", rule="guided").abs().amax(1)
stays = rank_correlation(maps["guided backprop"], ten)
print(f"guided backprop, only the last 10 of 50 layers random: {stays:.2f}")
guided = torch.cat([maps["guided backprop"], ten, again[0]["guided backprop"]])
titles = ["guided backprop", "last 10 layers random", "all random"]
show_heat(admiral.expand(3, -1, -1, -1), guided, titles)

# %% [markdown]
# "Chance" is how far the number is from zero (root of the mean square) when a map is compared with *itself*, moved to 20 other places. A map of 49 places has much of it. "Size" is the mean without the signs: with random last weights a map may come out turned around.
#
# - **SmoothGrad** has nothing in common with the maps of random networks.
# - **Guided backprop** comes out a little above chance with both. With only the last ten layers random it stays the same picture: so it is not about the class.
# - **Occlusion and evidence** are nearer to zero than chance.
#
# With all layers random none of the four maps stays as it was. But the old batch norm does not fit the new weights, and lesson 08 showed that this alone can make the test look passed. And a map that passes may still be wrong.

# %% claim="guided backprop is a little above chance with each random network, and stays with the last ten layers random; occlusion and evidence are below chance"
assert stays > 0.9
assert similar["guided backprop"].min() > 0.08
assert similar["guided backprop"].abs().mean() > 1.2 * chance["guided backprop"]
assert similar["guided backprop"].min() > chance["guided backprop"]
assert not similar["SmoothGrad"].abs().max() > 0.08
for coarse in ("occlusion", "evidence"):
    assert similar[coarse].abs().mean() < 0.8 * chance[coarse]
assert max(one.abs().max() for one in similar.values()) < 0.5

# %% [markdown]
# ## The edge of the photo
#
# Before a photo goes into the network, it is scaled and its border is **cut off**: `photo(...)` keeps the middle seven eighths, as ImageNet networks are tested.
#
# **Predict, run, explain.** If we keep more of the border, will the network (a) stay with the gown, (b) change its mind?

# %% [markdown] notes="1" minutes=8
# Let them vote first. Then ask who has ever looked at the crop in a pipeline of their own.

# %%
# the whole photo, and what the network got to see (yellow: 0.875 of the width; dashed: 0.90)
whole = load_image(gallery()("grace_hopper").path, None)  # (1, 3, 600, 512)
figure = show_images([whole[0], admiral[0]], ["the photo", "what the network saw"], width=6)
for side, look in ((448, "-"), (461, "--")):  # 0.875 of the width, and 0.90
    y, x = (600 - side) / 2, (512 - side) / 2
    figure.axes[0].plot(
        [x, x + side, x + side, x, x],
        [y, y, y + side, y + side, y],
        look,
        color="yellow",
        linewidth=1,
    )
figure


# %%
# D while the square grows around the middle, and while a square of the usual size (448 pixels) slides down
def of_squares(picture, squares):
    """D for squares (top, left, side) of a picture."""
    cuts = [picture[:, :, y : y + side, x : x + side] for y, x, side in squares]
    small = [F.interpolate(cut, (224, 224), mode="bicubic", antialias=True) for cut in cuts]
    with torch.no_grad():
        s = net(torch.cat(small).clamp(0, 1))
    return s[:, uniform] - s[:, gown]


kept, first_rows = torch.linspace(0.76, 1, 13), list(range(4, 153, 12))
sides = [round(512 * part) for part in kept.tolist()]
growing = of_squares(whole, [((600 - side) // 2, (512 - side) // 2, side) for side in sides])
sliding = of_squares(whole, [(y, 32, 448) for y in first_rows])
figure, axes = new_figure(1, 2, width=9, aspect=0.6)
for axis, x, y, usual, label in (
    (axes[0, 0], kept, growing, 0.875, "side of the square / width of the photo"),
    (axes[0, 1], first_rows, sliding, 76, "first row of the square"),
):
    axis.plot(x, y)
    axis.plot(usual, difference, "ko")
    axis.axhline(0, color="gray", linewidth=0.8)
    axis.set_xlabel(label, fontsize=9)
    axis.set_ylim(-4, 4)
axes[0, 0].set_ylabel("D (above 0: uniform)", fontsize=9)
figure

# %% [markdown]
# (b): from 0.90 on the uniform leads by more than 1. (The dots are the prediction from above. The course makes the photo small before it cuts, so the curves miss them by little.) A story is ready: the top of the cap came into view. It was not tested.
#
# But a larger square brings in something on four sides, and makes everything smaller. On the right, $D$ is highest a dozen rows above the usual place. How far can we move it?

# %%
# the usual square, moved by at most 8 pixels; and what covering the tag, or as much cloth, takes from D in 9 of them
near = [(76 + y, 32 + x, 448) for y in (-8, -4, 0, 4, 8) for x in (-8, -4, 0, 4, 8)]
moved_d = of_squares(whole, near)
nine = [5 * row + column for row in (0, 2, 4) for column in (0, 2, 4)]
large_blur = F.interpolate(covers["blur"], (448, 448), mode="bilinear")
large_mean = covers["mean"][:, :, :1, :1].expand(-1, -1, 448, 448)
tag_or_cloth = {}
for name, cover in (("mean", large_mean), ("blur", large_blur)):
    for place, (y, x) in (("tag", (195, 22)), ("cloth", (168, 30)), ("right", (168, 150))):
        top, left = 2 * y, 2 * x
        changed = whole.clone()
        changed[:, :, 76 + top : 126 + top, 32 + left : 144 + left] = cover[
            :, :, top : top + 50, left : left + 112
        ]
        without_it = of_squares(changed, [near[k] for k in nine])
        tag_or_cloth[name, place] = moved_d[nine] - without_it
print(
    f"25 squares: D from {moved_d.min():.2f} to {moved_d.max():.2f}, uniform ahead in {(moved_d > 0).sum()}"
)
for name in ("mean", "blur"):
    tag_costs = tag_or_cloth[name, "tag"]
    print(f"{name}: the tag's box costs {tag_costs.min():.2f} to {tag_costs.max():.2f}", end="")
    for place in ("cloth", "right"):
        more = tag_costs - tag_or_cloth[name, place]
        print(f"; more than {place}: {more.min():.2f} to {more.max():.2f}", end="")
    print()

# %% claim="the gown leads below the usual crop, the uniform from 0.9 on; the curve meets the prediction; sliding is best in between"
for part_kept, value_d in zip(kept.tolist(), growing.tolist(), strict=True):
    if part_kept < 0.87:
        assert value_d < -0.1
    if part_kept > 0.89:
        assert value_d > 1
assert abs(of_squares(whole, [(76, 32, 448)]) - difference) < 0.2
best_row = first_rows[int(sliding.argmax())]
assert 50 < best_row < 76
assert sliding.max() > max(sliding[0], sliding[-1]) + 0.8
assert sliding[first_rows.index(76) :].min() < -1

# %% claim="most of 25 squares choose the uniform; in 9 of them the tag costs more than 1, no less than cloth above it, far more than at the right"
assert (moved_d > 0).sum() >= 14
assert moved_d.max() - moved_d.min() > 1.5
for cover_ in ("mean", "blur"):
    assert tag_or_cloth[cover_, "tag"].min() > 1.1
    assert (tag_or_cloth[cover_, "tag"] > tag_or_cloth[cover_, "right"] + 1).all()
    more_ = tag_or_cloth[cover_, "tag"] - tag_or_cloth[cover_, "cloth"]
    assert more_.median() > 0.4 and more_.min() > -0.2

# %% [markdown]
# Most of the 25 squares, moved by at most 8 pixels of the photo (4 of the network's), choose the uniform. **"Academic gown" is the answer for this square, not for the photo.** The tag is another matter: in nine of them, covering it costs more than 1 with both covers, and far more than the same box over the cloth at the right. Over the cloth above the tag the box costs something, too, but in most squares clearly less.

# %% [markdown]
# ## Write it down
#
# An explanation is a text, not a picture. Take a sheet of paper, or a new cell, and write five sentences about the admiral:
#
# 1. **Question.** Which class, against which other?
# 2. **Claim.** Which part of the photo decides, and in which direction?
# 3. **Test.** Which experiment could have refuted the claim, and how did it come out?
# 4. **Against.** What did not fit, or came out differently with another cover, another map, another crop?
# 5. **Open.** What do you still not know?

# %% [markdown] notes="1" minutes=6
# Five minutes in silence, then two people read theirs. Ask the room to find the sentence that claims more than was tested.

# %% [markdown] fold="One possible answer"
# (1) Why does EfficientNet-Lite0 prefer *academic gown* to *military uniform* for this crop? (2) The name tag and the ribbons speak for the uniform, the glasses for the gown. (3) With either covered, the ratio uniform / gown fell to less than half with gray, mean and blur; boxes elsewhere cost less. Without the glasses it rose with all three. A plain plate does not replace the tag.
# (4) The map gives the collar to the gown, but without it the ratio fell; the glasses are nearly white in the map; for the cap the answer depended on the cover. Most squares moved by a few pixels choose the uniform. (5) Which marks on the tag count, and whether it is so in
# other photos, was not tested.

# %% [markdown]
# Now take a photo of your own: change the first line. The cell covers the reddest 64 × 64 pixels of the map, and the palest as a control.

# %%
# your photo, its two best classes, the evidence between them; and what covering two boxes adds to their difference
mine_too = photo("motorcycle")  # or photo("path/to/my.jpg")
(first, _), (second, _) = net.predict(mine_too, k=2)[0]
between, _ = evidence_map(net, mine_too, "bn2.act", first, against=second)
pooled = F.avg_pool2d(between, 2, 1)[0]  # 2 x 2 places
own_costs = {}
print(f"{first} minus {second}")
for name, place in (("reddest", pooled.argmax()), ("palest", pooled.abs().argmin())):
    top, left = 32 * (place.item() // 6), 32 * (place.item() % 6)
    tries = [mine_too.clone() for _ in range(4)]
    for changed, cover in zip(tries[1:], covers, strict=True):
        hides = baseline_images(mine_too, cover)
        changed[:, :, top : top + 64, left : left + 64] = hides[
            :, :, top : top + 64, left : left + 64
        ]
    with torch.no_grad():
        s = net(torch.cat(tries))
    d = s[:, net.class_index(first)] - s[:, net.class_index(second)]
    own_costs[name] = d[1:] - d[0]
    print(
        f"{name}:",
        *(f"{cover} {one:.2f}  " for cover, one in zip(covers, d[1:] - d[0], strict=True)),
    )
show_heat(mine_too, between, title=f"red: {first}, blue: {second}", signed=True)

# %% [markdown]
# For the motorcycle the red box costs nothing in gray, and more than the control with the two other covers. One control is not enough to conclude.

# %% claim="motorcycle: the reddest box costs nothing in gray, with mean and blur more than the palest"
assert abs(own_costs["reddest"][0]) < 0.15
assert (own_costs["reddest"][1:] < own_costs["palest"][1:] - 0.15).all()

# %% [markdown]
# ## What these pictures do not show
#
# - That the explanation holds for other photos. Everything here was about one image; what a class means to the network is another question (lessons 05 and 09).
# - What a person would have looked at. An explanation that agrees with you is not truer for it.
# - Combinations. We covered one part at a time. There are many pairs, and any three.

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=2
# By show of hands, one question at a time.

# %%
# four questions, with an explanation for every answer
quiz("16")

# %% [markdown]
# ## Summary
#
# - Ask *why this and not that*: explain a difference of scores.
# - Evidence that adds up says what the last layer used. Only experiments on the photo say what caused it.
# - Cover with more than one thing. An answer that depends on the cover is an answer about the cover.
# - Tests need controls: boxes at other places, the same map moved, networks with random weights, twice as many points.
# - Look at what the network gets to see, and move it a little, before you explain what it says.
#
# **Papers.** Zeiler, Fergus: *Visualizing and Understanding Convolutional Networks*, ECCV 2014 (occlusion). Springenberg et al.: *Striving for Simplicity*, ICLR Workshop 2015 (guided backprop). Bach et al.: *On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation*, PLoS ONE 10, 2015. Selvaraju et al.: *Grad-CAM*, ICCV 2017. Sundararajan, Taly, Yan: *Axiomatic Attribution for Deep Networks*, ICML 2017 (integrated gradients). Smilkov et al.: *SmoothGrad: Removing Noise by Adding Noise*, 2017. Zhou et al.: *Learning Deep Features for Discriminative Localization*, CVPR 2016. Samek et al.: *Evaluating the Visualization of What a Deep Neural Network Has Learned*, IEEE TNNLS 28, 2017. Petsiuk, Das, Saenko: *RISE: Randomized Input Sampling for Explanation of Black-box Models*, BMVC 2018. Adebayo et al.: *Sanity Checks for Saliency Maps*,
# NeurIPS 2018. Hooker, Erhan, Kindermans, Kim: *A Benchmark for Interpretability Methods in Deep Neural Networks*, NeurIPS 2019 (ROAR). Miller: *Explanation in Artificial Intelligence*, Artificial Intelligence 267, 2019 (why explanations answer "why this rather than that").
