# %% [markdown] lesson="16" title="Capstone: why did it say that?" minutes=86 needs="06, 07, 08"
# You will be able to: take one prediction apart with what you have built; test each explanation against an experiment that could refute it; and write down what you know, and what you do not.

# %% tags=["setup"]
import copy

import torch
from torch.nn import functional as F

from course_utils import check, gallery, layer_outputs, load_network, photo, quiz, show_images
from course_utils.activations import (
    baseline_images,
    evidence_map,
    occlusion,
    receptive_field,
)
from course_utils.gradients import (
    backprop,
    blur,
    grad_cam,
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
# Grace Hopper, computer scientist and rear admiral, in uniform. The network says *academic gown*, then *mortarboard* (the square cap of a graduate), then *military uniform*. The map says why: the places
# of the name tag, of the cloth above it, and of the ribbons speak for the uniform, the collar and the places beside the cap for the gown.
#
# It looks like a good explanation. Which parts of it stand the tests?

# %% [markdown] notes="1" minutes=5
# Show the photo alone first. What would the room say, and from which parts? Write the parts on the board: cap, eyes, collar, tag, ribbons. Each gets a tick or a cross during the lesson.

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
field = min(receptive_field(net, "bn2.act").size)
print(f"receptive field of one place of the last layer: {field} pixels, the photo has 224")
show_heat(pair, alone, ["academic gown", "military uniform"], signed=True)

# %% [markdown]
# Alone, both maps are nearly all red, and much alike: this is why the question needs an alternative.
#
# The map is exact, and it can still mislead. A "place" of the last layer is not a square of the photo: its receptive field (lesson 05) is larger than the whole image. The tag's three places *add* to the uniform. The three above
# them, nearly all plain cloth, add as much. Whether any of them does so *because of the tag* must be tested on the photo.

# %% claim="alone, each map is nearly all red and they are alike; the field of the last layer is larger than the image; the places above the tag add as much as its own"
assert (alone < 0).float().mean((1, 2)).max() < 0.1
assert rank_correlation(alone[0], alone[1]) > 0.6
assert field > 224
assert why[0, 6, :3].sum() > 0.2
assert 0.9 < why[0, 5, :3].sum() / why[0, 6, :3].sum() < 1.5

# %% [markdown]
# ## Test it: cover what the map names
#
# **Predict, run, explain.** Each of six parts is covered by middle gray, by the photo's mean color, and by the blurred photo. Will the ratio uniform / gown with all three (a) rise by more than 0.1, (b) fall by more than 0.1, (c) stay within 0.1, or (d) none of these? Look at the map, write down six letters, then run the cell.

# %% [markdown] notes="1" minutes=16
# Letters on the board before the cell. After it, count who had how many letters right. Then the bug: who sees it before running?

# %%
# the six parts; and the ratio uniform / gown with each of them covered, by three different covers
parts = {  # top, left, bottom, right
    "nothing": (0, 0, 0, 0),
    "cap": (0, 62, 60, 180),
    "beside cap": (0, 180, 60, 224),
    "eyes": (45, 60, 80, 175),
    "name tag": (195, 22, 220, 78),
    "ribbons": (200, 155, 224, 215),
    "collar": (140, 60, 200, 165),
}
covers = {name: baseline_images(admiral, name) for name in ("gray", "mean", "blur")}


def changes(*boxes):
    """What covering the boxes adds to D, for each of the three covers."""
    covered = []
    for cover in covers.values():
        covered.append(admiral.clone())
        for top, left, bottom, right in boxes:
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
# - **Name tag, ribbons:** (b). The ratio falls to a fraction.
# - **Collar:** (b), too. But it is blue in the map: without it the ratio should rise.
# - **Beside the cap:** (d). Blue in the map, and no cover makes the ratio rise.
# - **Cap:** (d). A gray box is not "no cap": it is a gray box on a head. (The lowest 15 rows of the cap's box are also the highest of the eyes' box.)
# - **Eyes:** (a), with the blur most of all. The map is nearly white there. The box holds the glasses, the eyes, and hair at both sides.
#
# The control: boxes of the same size at ten other places, away from the part, the tag and the ribbons. How many of them lower $D$ more (three columns: with gray, mean, blur)? (For cap and collar there is no fair control: boxes so large find room only across head or collar. For the eyes there is hardly one: most of their ten lie on cap, mouth or collar.)

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
for part in ("beside cap", "eyes", "name tag", "ribbons"):
    others = torch.stack([changes(other) for other in elsewhere(parts[part])])
    lower[part] = (others < by_part[part]).sum(0).tolist()
    print(
        f"{part:10s}",
        *(f"{value:6.2f}" for value in by_part[part]),
        "  ",
        *(f"{n:3}" for n in lower[part]),
    )

# %% [markdown]
# Tag and ribbons pass: none of their ten boxes lowers $D$ as much. But none of the tag's ten lies on the cloth beside or above it; the map below tries all places. The eyes raise $D$, and nearly all of their ten boxes raise it less or lower it.
#
# Do tag and ribbons stand in for each other? If one of them were enough to say "uniform", covering one would cost little, and covering both much.

# %%
# tag and ribbons covered together, beside the sum of their two costs
both_covered = changes(parts["name tag"], parts["ribbons"])
sum_of_two = by_part["name tag"] + by_part["ribbons"]
for row, change in (("tag + ribbons", sum_of_two), ("both covered", both_covered)):
    print(f"{row:13s}", *(f"{value:6.2f}" for value in change))

# %% [markdown]
# They do not: with each cover, both together cost about as much as the two costs added. Now cover *every* place with one small box, as large as the tag (lesson 06).

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
# Red with both covers are the tag with the cloth around it, the ribbons, the gold of the cap at the upper edge, and the chin (not tested below). But with the blur the *whole* lower edge is red, the tie more than the ribbons. Blue with both are the eyes and the flag left of the cap. Cover these places on their own.

# %%
# boxes that the map of occlusion suggests, on their own: what each adds to D
closer = {  # top, left, bottom, right
    "tie": (192, 84, 217, 140),
    "flag": (15, 0, 60, 56),
    "eyes, upper half": (45, 60, 60, 175),
    "eyes, lower left": (60, 60, 80, 112),
    "eyes, lower right": (60, 112, 80, 175),
    "mouth, cheeks and hair": (85, 60, 120, 175),
    "mouth": (85, 75, 125, 150),
}
by_box = {name: changes(box) for name, box in closer.items()}
print(f"{'':22s}", *(f"{name:>6s}" for name in covers))
for name, change in by_box.items():
    print(f"{name:22s}", *(f"{value:6.2f}" for value in change))

# %% [markdown]
# - **Red half of the evidence:** the tag stands. The ribbons stand less well: with the blur the tie costs more, and with gray and mean color plain cloth will cost about as much (below).
# - **Blue half:** left of the cap it stands: the flag speaks for the gown with every cover. (We found the flag on the map above, so only the gray box is a new test.) Right of the cap and at the collar it does not.
# - **Missed:** the tie, which lowers $D$ with every cover, by 0.5 to 1.8; the map has almost nothing there. And the eyes. Each piece of their box raises $D$: "it is the glasses" is not shown. And a box of the same size below them *lowers* $D$ by 1 or more. (Over the mouth alone, the answer depends on the cover.)

# %% claim="tag and ribbons halve the ratio with each cover; the collar lowers it too; beside the cap it does not rise; the eyes raise it; the cap depends on the cover"
for key in ("name tag", "ribbons"):
    assert by_part[key].max() < -0.7
assert by_part["collar"].max() < -0.3
assert (difference + by_part["eyes"]).exp().min() > difference.exp() + 0.15
assert by_part["eyes"][2] > 1.5 * max(v.max() for k, v in by_part.items() if k != "eyes")
assert by_part["cap"].max() - by_part["cap"].min() > 0.5
assert by_part["beside cap"].max() < 0.05 and by_part["beside cap"].min() < -0.2

# %% claim="together tag and ribbons cost their sum, within a fifth, with each cover"
for cost_of_both, cost_of_two in zip(both_covered, sum_of_two, strict=True):
    assert 0.8 < cost_of_both / cost_of_two < 1.2

# %% claim="no box elsewhere lowers D as much as on tag and ribbons, none of the tag's lies on the cloth around it, one of the ribbons' does; nearly all lower it more than on the eyes; a larger box has no fair control"
for key in ("name tag", "ribbons"):
    assert max(lower[key]) == 0
assert min(lower["eyes"]) >= 8
dice.manual_seed(0)  # the boxes of the table once more
drawn_ = {part_: elsewhere(parts[part_]) for part_ in lower}
assert max(box_[2] for box_ in drawn_["name tag"] if box_[1] < 90) <= 160
assert sum(165 < box_[0] < 175 and box_[1] < 30 for box_ in drawn_["ribbons"]) == 1  # on this cloth
for key in ("cap", "collar"):
    upper_, left_, lower_, right_ = parts[key]
    for y_ in range(225 - (lower_ - upper_)):
        for x_ in range(225 - (right_ - left_)):
            down_, end_ = y_ + lower_ - upper_, x_ + right_ - left_
            if (
                y_ >= lower_ or down_ <= upper_ or x_ >= right_ or end_ <= left_
            ):  # apart from the part
                assert x_ < 160 and end_ > 75 and y_ < 200  # across the columns of the head

# %% claim="occlusion of D: tag, ribbons, the gold of the cap and the chin red with both covers, eyes and flag blue; right of the cap not blue, the collar neither; with the blur the whole lower edge"
for worth_ in worth:
    inside_ = {k: worth_[a:c, b:d].mean() for k, (a, b, c, d) in parts.items() if k != "nothing"}
    assert inside_["name tag"] > 1
    assert inside_["ribbons"] > 0.5
    assert worth_[:10, 80:160].mean() > 0.4
    assert worth_[124:141, 88:134].mean() > 0.1  # the chin
    assert inside_["eyes"] < -0.2
    assert worth_[25:60, :55].mean() < -0.3
    assert inside_["beside cap"] > -0.05
    assert inside_["collar"] > 0
    assert worth_[170:190, 10:60].mean() > 0.4
assert worth[1][205].min() > 0.6  # the whole lower edge
assert worth[1][205, 100:136].mean() > 1.15 * worth[1][205, 160:215].mean()  # tie, ribbons
assert not worth[0][205, 100:136].mean() > 1.15 * worth[0][205, 160:215].mean()
assert worth[0].flatten().argmin() // 224 < 60 and worth[0].flatten().argmin() % 224 < 56

# %% claim="the tie depends on the cover; the flag and each piece of the eyes raise D with every cover, the lower left one least; the box below the eyes lowers it by 1"
assert by_box["tie"][2] < 1.1 * by_part["ribbons"][2]
assert by_box["tie"][1] > 0.45 * by_part["ribbons"][1]
for key in ("flag", "eyes, upper half", "eyes, lower left", "eyes, lower right"):
    assert by_box[key].min() > 0.1
assert not by_part["beside cap"].min() > 0.1
for key in ("eyes, upper half", "eyes, lower right"):
    assert (by_box["eyes, lower left"] < by_box[key] - 0.2).all()
assert by_box["mouth, cheeks and hair"].max() < -0.95
assert by_box["mouth"].max() > 0 and by_box["mouth"].min() < -0.5
assert F.interpolate(why[None], (224, 224))[0, 0, 85:120, 60:175].sum().abs() / 32**2 < 0.15

# %% [markdown]
# Is it the *tag*, or any bright plate on dark cloth? Take the whole tag away (down to the last row), and put it back at four places of the jacket; or a plain plate of its color and outline; or the tag with its bright pixels shuffled, ten times.

# %%
# D without the tag; and with three pieces at four places of the jacket: the tag itself, a plate, ten shuffled tags
top, left, bottom, right = 195, 22, 224, 78
tag, bare = admiral[:, :, top:bottom, left:right], admiral.clone()
bare[:, :, top:bottom, left:right] = admiral[:, :, 165:194, 22:78]
bright = tag.mean(1, keepdim=True) > 0.3
color = (tag * bright).sum((2, 3), keepdim=True) / bright.sum()
inside, pieces = bright[0, 0], [tag, torch.where(bright, color, tag)]
for seed in range(10):
    mixed = torch.randperm(int(inside.sum()), generator=torch.Generator().manual_seed(seed))
    pieces.append(tag.clone())
    pieces[-1][:, :, inside] = tag[:, :, inside][:, :, mixed]


def with_pieces(base, pieces, y, x):
    """The pictures, and their D, with each piece laid on a picture at row y and column x."""
    laid = base.repeat(len(pieces), 1, 1, 1)
    laid[:, :, y : y + pieces[0].shape[2], x : x + pieces[0].shape[3]] = torch.cat(pieces)
    with torch.no_grad():
        s = net(laid)
    return laid, s[:, uniform] - s[:, gown]


spots = [(top, left), (168, 2), (168, 30), (168, 150)]
laid, of_jackets = zip(*(with_pieces(bare, pieces, y, x) for y, x in spots), strict=True)
bare_d = with_pieces(bare, [bare], 0, 0)[1].item()
print(f"photo {difference:.2f}, without the tag {bare_d:.2f}. At four places:")
print("the tag           ", *(f"{d[0]:14.2f}" for d in of_jackets))
print("a plate           ", *(f"{d[1]:14.2f}" for d in of_jackets))
print("shuffled (of ten) ", *(f"{d[2:].min():6.2f} to{d[2:].max():5.2f}" for d in of_jackets))
on_cloth = torch.stack([changes((y, x, y + 29, x + 56)) for y, x in spots])
print("the same box covered at these places:")
for name, costs in zip(covers, on_cloth.T, strict=True):
    print(f"{name:18s}", *(f"{one:14.2f}" for one in costs))
ribbons, cloth = admiral[:, :, 200:224, 155:215], admiral[:, :, 172:196, 150:210]
mean_ribbon = ribbons.mean((2, 3), keepdim=True).expand_as(ribbons)
of_ribbons = with_pieces(admiral, [cloth, mean_ribbon], 200, 155)[1].tolist()
print(f"ribbons replaced by cloth {of_ribbons[0]:.2f}, by a plate {of_ribbons[1]:.2f}")
show_images(
    [bare[0, :, 150:], *laid[1][:3, :, 150:]],
    ["without", "tag moved", "plate", "shuffled"],
    columns=2,
    width=8,
)

# %% [markdown]
# At other places the tag brings back 60 to 85 % of what was lost, a plate 25 to 50 % (at the tag's own place a little over 60 %): part of it is any bright plate, and part is not. Shuffled pixels bring back clearly more than the plate at two places, hardly more at the tag's own place and at the right. Does their order count? At these two places the tag is better than all ten; at the two others it is not.
#
# With cloth in its place, without any box, the tag costs about 2.1, as much as with the boxes: here the cost is not that of a box. And yet a box over the cloth directly above the tag costs about half as much; at the right nothing. Whether it disturbs the tag, or the cloth counts by itself, is open. (Cover this box in `bare`, and see.)
#
# With gray and mean color this box, a little larger than the ribbons', costs about as much as theirs (one of just their size, among the ten, cost less): their box proves little. Better tests are cloth in their place (it costs 0.75; a plate of their mean color costs more), and the ribbons alone (16.2).

# %% claim="the tag moved restores 60 to 85 %, a plate 25 to 50; shuffled between, near the plate at two places; all ten below the tag at two places only; the box on cloth at the left costs about half of the tag, about as much as the ribbons"
assert bare_d < difference - 1.5
for d_ in of_jackets:
    assert d_[0] > bare_d + 0.55 * (difference - bare_d)
    assert bare_d + 0.3 < d_[1] < d_[0] - 0.5
    assert d_[1] < d_[2:].median() < d_[0] + 0.05
restored_ = torch.stack([(d_[:2] - bare_d) / (difference - bare_d) for d_ in of_jackets])
assert restored_[1:, 0].min() > 0.6 and restored_[1:, 0].max() < 0.85
assert restored_[1:, 1].min() > 0.25 and restored_[1:, 1].max() < 0.5
assert 0.6 < restored_[0, 1] < 0.67
for k_, clearly_ in enumerate((False, True, True, False)):
    assert (of_jackets[k_][2:].min() > of_jackets[k_][1] + 0.4) == clearly_
    assert (of_jackets[k_][2:].max() > of_jackets[k_][1] + 0.4) == clearly_
for k_, wins_ in enumerate((True, False, False, True)):
    assert (of_jackets[k_][0] > of_jackets[k_][2:].max() + 0.15) == wins_
share_ = on_cloth[1:3] / on_cloth[0]
assert 0.4 < share_.median() < 0.66 and share_.max() < 0.72 and share_.min() > 0.33
assert on_cloth[3].min() > 0
beside_ribbons_ = on_cloth[1:3, :2] / by_part["ribbons"][:2]  # with gray and mean color
assert beside_ribbons_.min() > 0.8 and beside_ribbons_.max() < 1.25
assert 0.65 < difference - of_ribbons[0] < 0.85
assert of_ribbons[0] < difference - 0.5
assert of_ribbons[1] < of_ribbons[0] - 0.3

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
# Over 40 % of what the box over the collar takes away is booked at places that it does not touch. The two largest numbers *of all* are on the shoulders, where the box touches a place by at most 5 columns. The map books it there. (Each row has its own color scale.)

# %% claim="most of the tag's effect arrives at six places, which change their sign; over 40 % of the collar's outside; the tag costs five times its evidence"
assert arrives[0, 5:, :3].sum() > 0.7 * arrives[0].sum()
assert six[0] > 0.4
assert six[1] < -0.4
assert arrives[1].sum() - arrives[1, 4:7, 1:6].sum() > 0.4 * arrives[1].sum()
assert -by_part["name tag"].max() > 5 * why[0, 6, :3].sum()
assert sorted(arrives[1].flatten().topk(2).indices.tolist()) == [4 * 7 + 1, 4 * 7 + 5]
assert 2 * 32 - parts["collar"][1] <= 5 and parts["collar"][3] - 5 * 32 <= 5
assert 0.25 < why[0, 6, :3].sum() < 0.35

# %%
# one network whose score of the uniform is D: from its row in the last layer, subtract the row of the gown
versus = copy.deepcopy(net)
with torch.no_grad():
    end = versus.layer("classifier")
    end.weight[uniform] -= end.weight[gown]
    end.bias[uniform] -= end.bias[gown]

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

# %% [markdown] fold="Hint"
# After the third line, what does `image` hold inside of the box?

# %% uses="16.2"
# your function on (a copy of) the admiral, for each cover: D without each part, and D with this part alone
header = " ".join(f"{name:>7s}" for name in covers)
print(f"{'':10s} {'without it':^23s}    {'it alone':^23s}")
print(f"{'':10s} {header}    {header}")
without_only = {}
for part, box in parts.items():
    pairs = []
    for cover in covers.values():
        both = without_and_only(versus, admiral.clone(), cover, box, uniform)
        pairs.append([float(one) for one in both])
    without_only[part] = torch.tensor(pairs).T
    numbers = [f"{value:7.2f}" for value in without_only[part].flatten().tolist()]
    print(f"{part:10s}", *numbers[:3], "  ", *numbers[3:])

# %% [markdown]
# Compare with the row "nothing": $D$ of the photo, and $D$ of the cover alone. Say that a part is necessary for the uniform if $D$ is at least 0.5 lower without it, and speaks for it alone if $D$ is at least 0.5 higher with it alone, with every cover. By this rule tag, ribbons and collar are necessary. But so are the plain cloth above the tag and the box over mouth, cheeks and hair, and for the collar there was no fair control: the rule tells what a *cover* does. Of the six parts only the **ribbons** also speak alone; the tag does so on the blurred photo, and hardly on the two others. *Sufficient* ($D$ stays with the part alone) says nothing on gray: plain gray has a higher $D$ than the photo. So we ask only whether a part alone *raises* $D$ over the plain cover.

# %% [markdown] solution="16.2"
# `without = image` makes a second name, not a second image. The box was covered in both. The caller's photo is damaged as well, and every experiment after this one is wrong without an error.

# %% claim="tag, ribbons and collar are necessary with every cover, and so are cloth and mouth, cheeks and hair; only the ribbons also speak alone; the tag alone on the blur only; plain gray has a higher D than the photo"
fall_ = {key: without_only[key][0] - without_only["nothing"][0] for key in parts}
rise_ = {key: without_only[key][1] - without_only["nothing"][1] for key in parts}
for key in ("name tag", "ribbons", "collar"):
    assert fall_[key].max() < -0.55
for key in ("cap", "beside cap", "eyes"):
    assert not fall_[key].max() < -0.45
assert on_cloth[1:3].max() < -0.7
assert by_box["mouth, cheeks and hair"].max() < -0.7
for key in parts:
    assert (rise_[key].min() > 0.5) == (key == "ribbons")
assert rise_["ribbons"].min() > 0.9
assert rise_["name tag"][:2].abs().max() < 0.2 and rise_["name tag"][2] > 0.8
assert without_only["nothing"][1][0] > difference + 0.2

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
# integrated gradients with 256 points between the two photos; every second, fourth, eighth: with fewer (20 seconds)
blurred = covers["blur"]
slopes, way = [], admiral - blurred
for positions in ((torch.arange(256) + 0.5) / 256).split(4):
    between_them = (blurred + positions.view(-1, 1, 1, 1) * way).requires_grad_()
    (slope,) = torch.autograd.grad(versus(between_them)[:, uniform].sum(), between_them)
    slopes.append((slope * way).sum(1))
slopes = torch.cat(slopes)
integrated = {k: slopes[128 // k :: 256 // k].mean(0) for k in (32, 64, 128, 256)}
spread = F.interpolate(why[None], (224, 224), mode="nearest")[0, 0] / 32**2  # 32 x 32 pixels each

# %%
# what each part adds to D by evidence and by integrated gradients; and what D loses when the part is covered
print(f"{'':10s} evidence   integrated with 32, 64, 128, 256 points    covered: gray, mean, blur")
table = {}
for part, (top, left, bottom, right) in list(parts.items())[1:]:
    witnesses = (spread, *integrated.values())
    table[part] = [one[top:bottom, left:right].sum().item() for one in witnesses]
    print(f"{part:10s}", *(f"{value:8.2f}" for value in table[part]), end="      ")
    print(*(f"{-value:6.2f}" for value in by_part[part]))
print(f"{'whole':10s}", *(f"{one.sum():8.2f}" for one in witnesses))
with torch.no_grad():
    s = net(blurred)[0]
gap = difference - (s[uniform] - s[gown])
print(f"D of the photo minus D of the blurred photo: {gap:.2f}")
two_maps = [F.interpolate(why[None], (224, 224), mode="bilinear")[0, 0], blur(integrated[256], 4)]
two_titles = ["evidence", "integrated gradients, smoothed"]  # each with its own scale
show_heat(admiral.expand(2, -1, -1, -1), torch.stack(two_maps), two_titles, signed=True)

# %% [markdown]
# First the sums. The whole should come to the last line. From 128 to 256 points it still jumps: that the last sum fits is no proof. But the parts have settled by then, so read them:
#
# - **Tag and ribbons:** all witnesses have the same sign, though the evidence is far smaller. (It is booked by area: the tag's box is less than half of its three places.) On the tag, integrated gradients are reddest at the round emblem. Cover only the emblem, then only the letters.
# - **Eyes:** integrated gradients and covers say gown. The evidence is nearly zero: no witness.
# - **The others** disagree. Cap: integrated gradients say uniform, the evidence gown. Beside it: both say gown, no cover does. Collar: the evidence says gown, every cover uniform.
#
# Nor are they independent: integrated gradients compare with the blurred photo, as one of the covers does.

# %% claim="the parts have settled at 128 points, the sum has not; all agree on tag and ribbons, on the tag the left end is reddest; eyes, cap, beside cap and collar as said"
for numbers_ in table.values():
    assert abs(numbers_[-1] - numbers_[-2]) < 0.1
sums_ = [one.sum() for one in integrated.values()]
assert not abs(sums_[-1] - sums_[-2]) < 0.25
assert abs(sums_[-1] - gap) < 0.15 and abs(sums_[0] - gap) > 0.3
for key in ("name tag", "ribbons"):
    assert min(table[key]) > 0.1
    assert min(table[key][1:]) > 1.2
    assert table[key][0] < 0.25 * min(table[key][1:])
    assert table[key][0] < 0.25 * -by_part[key].max()
reddest_ = two_maps[1][195:224, 22:78].argmax().item()
assert reddest_ % 56 < 18  # the emblem is at the left end of the tag
assert max(table["eyes"][1:]) < -1.1
assert abs(table["eyes"][0]) < 0.1 and -by_part["eyes"].min() < -0.25
assert table["cap"][0] < -0.35 and min(table["cap"][1:]) > 0.35
assert table["beside cap"][0] < -0.1 and max(table["beside cap"][2:]) < -0.07
assert -by_part["beside cap"].max() > -0.05
assert table["collar"][0] < -0.15 and abs(table["collar"][-1]) < 0.25
assert -by_part["collar"].max() > 0.5

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
# The two curves on paper. In 16.3, ask what happens to pixels with equal heat. The two figures take 15 seconds: collect the votes meanwhile.

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
# The dashed curve first *rises*: what the map puts last speaks against the gown, or for other classes, or the blur itself adds to the gown.
#
# **Predict, run, explain.** Four maps for *academic gown*, and one of random numbers. In the deletion test, where will the random numbers come out: (a) last, (b) in the middle, (c) among the best? Write it down, then run the cell.

# %% claim="the least important first: the probability rises first"
assert fallen.max() > 1.2 * fallen[0]

# %%
# deletion and insertion for five maps; below each map: its two grades
generator = torch.Generator().manual_seed(1)
shifts = torch.randint(56, 168, (3, 2), generator=generator).tolist()
maps = {
    "SmoothGrad": smoothgrad(net, admiral, "academic gown"),
    "guided backprop": backprop(net, admiral, "academic gown", rule="guided").abs().amax(1),
    "occlusion": occlusion(net, admiral, "academic gown", window=48, stride=24, progress=False),
    "evidence": evidence_map(net, admiral, "bn2.act", "academic gown")[0],
    "random pixels": torch.rand(1, 224, 224, generator=generator),
}


def graded(heats, copies):
    """A figure of the maps, graded, each with moved copies in gray; and the grades: [name, insert], own first."""
    grades, moves = {}, [(0, 0), *shifts[:copies]]
    with torch.no_grad():
        ends = net(torch.cat([admiral, covers["blur"]])).softmax(1)[:, gown]
    figure, axes = new_figure(3, len(heats), width=10, aspect=0.9)
    for column, (name, heat) in enumerate(heats.items()):
        large = F.interpolate(heat[None], (224, 224), mode="bilinear")[0, 0]
        moved = torch.stack([large.roll(by, (0, 1)) for by in moves])
        rank = moved.flatten(1).argsort(1, descending=True).argsort(1).view(-1, 1, 224, 224)
        axes[0, column].imshow(large, cmap="gray", vmax=large.quantile(0.99))
        axes[0, column].axis("off")
        axes[0, column].set_title(name, fontsize=8)
        for row, insert in enumerate((False, True), start=1):
            base, other = (covers["blur"], admiral) if insert else (admiral, covers["blur"])
            stages = [ends[int(insert)].expand(len(moves))]
            for covered in (0.2, 0.4, 0.6, 0.8):
                first = rank < round(covered * 224**2)
                with torch.no_grad():
                    stages.append(net(torch.where(first, other, base)).softmax(1)[:, gown])
            curves = torch.stack([*stages, ends[int(not insert)].expand(len(moves))], dim=1)
            grades[name, insert] = curves.mean(1)
            own, rest = grades[name, insert][0], grades[name, insert][1:]
            axis = axes[row, column]
            axis.plot(torch.linspace(0, 1, 6), curves[1:].T, color="gray", linewidth=0.8)
            axis.plot(torch.linspace(0, 1, 6), curves[0], color="black")
            span = f"\nmoved {rest.min():.2f} to {rest.max():.2f}" if copies else ""
            axis.set_title(f"{own:.2f}{span}", fontsize=8)
            axis.set_ylim(-0.02, 0.7)
    axes[1, 0].set_ylabel("deleted: low is good", fontsize=9)
    axes[2, 0].set_ylabel("inserted: high is good", fontsize=9)
    axes[2, 2].set_xlabel("share of the pixels; height: probability of academic gown", fontsize=9)
    return figure, grades


figure, grades = graded(maps, 0)
figure

# %% [markdown]
# (c): random pixels delete as well as SmoothGrad and guided backprop, and at least as well as occlusion and evidence. With the three fine maps the probability is near the floor at the first point already: there deletion cannot tell a good map from a bad one. **The test measures the grain of a map as well as its truth.** Insertion turns it around: there the three fine maps are the worst.
#
# So compare maps of equal grain: means over squares of 32 × 32 pixels. Each gets its own control: itself, moved around the borders to three other places. A blob in the middle knows nothing of the network. Which of the six beat their moved copies?

# %%
# deletion and insertion for six maps of equal grain; gray: the same map, moved three times (about 15 seconds)
away = (torch.arange(224.0) - 111.5).square()
equal = {
    name: F.avg_pool2d(F.interpolate(heat[None], (224, 224), mode="bilinear"), 32)[0]
    for name, heat in {**maps, "blob": -(away[:, None] + away)[None]}.items()
}
figure, equal_grades = graded(equal, 3)
figure

# %% [markdown]
# All but the random pixels do. So does the blob. Moved to the border, it deletes worse than random squares; so to beat one's moved copies shows that the middle counts, and no more. Now look at the blob's own grades, 0.07 and 0.26. It knows nothing of the network, and in neither test is it worse than SmoothGrad, guided backprop or evidence. **For this photo the test does not show that these three know more than "the middle".** In deletion even the random squares do as well as these three; only insertion separates them. (Take differences below about 0.05 as none: the random squares and their moved copies differ by as much.) Occlusion leads in insertion, by little more than that; but it plays at home: it was made by covering.
#
# A photo with holes is unlike the photos of the training: does the probability fall because the right pixels are gone, or because holes are strange? **ROAR** ("remove and retrain", Hooker et al., 2019) therefore covers the pixels in the photos of the training *and* of the test, trains the network anew, and
# looks how much worse it becomes. There, several well-known maps were no better than random pixels.

# %% claim="fine maps and random pixels delete better than coarse ones, and insert worse; at equal grain all but random pixels beat their moved copies, the blob too, which is not worse than three of the maps; random squares delete as well as these"
for coarse_ in ("occlusion", "evidence"):
    for fine_ in ("SmoothGrad", "guided backprop", "random pixels"):
        assert grades[fine_, False][0] < 0.85 * grades[coarse_, False][0]
        assert grades[fine_, True][0] < 0.5 * grades[coarse_, True][0]
for fine_ in ("SmoothGrad", "guided backprop", "random pixels"):
    assert 6 * grades[fine_, False][0] - fallen[0] < 0.1  # all points after the first, together
    assert not 6 * grades["evidence", False][0] - fallen[0] < 0.2
for fine_ in ("SmoothGrad", "guided backprop"):
    for insert_ in (False, True):
        assert abs(grades["random pixels", insert_][0] - grades[fine_, insert_][0]) < 0.02
for name_ in equal:
    if name_ != "random pixels":
        assert equal_grades[name_, False][0] < 0.8 * equal_grades[name_, False][1:].min()
        assert equal_grades[name_, True][0] > 1.25 * equal_grades[name_, True][1:].max()
assert (
    not equal_grades["random pixels", False][0]
    < 0.9 * equal_grades["random pixels", False][1:].min()
)
assert (
    not equal_grades["random pixels", True][0] > 0.9 * equal_grades["random pixels", True][1:].max()
)
for name_ in ("SmoothGrad", "guided backprop", "evidence"):
    assert equal_grades["blob", False][0] < 0.75 * equal_grades[name_, False][0]
    assert equal_grades["blob", True][0] > 0.93 * equal_grades[name_, True][0]
    assert equal_grades["random pixels", False][0] < equal_grades[name_, False][0] + 0.02
    assert equal_grades[name_, True][0] > equal_grades["random pixels", True].max() + 0.05
    assert 0 < equal_grades[name_, False][0] - equal_grades["occlusion", False][0] < 0.05
    assert equal_grades["occlusion", False][0] < 0.85 * equal_grades[name_, False][0]
    assert equal_grades["occlusion", True][0] > 1.1 * equal_grades[name_, True][0]
first_, *others_ = sorted((equal_grades[name_, True][0] for name_ in equal), reverse=True)
assert first_ == equal_grades["occlusion", True][0]
assert 0.03 < first_ - others_[0] < 0.09
assert equal_grades["blob", False][1:].min() > 1.2 * equal_grades["random pixels", False].max()
for insert_ in (False, True):
    by_chance_ = equal_grades["random pixels", insert_]
    assert 0.035 < by_chance_.max() - by_chance_.min() < 0.08

# %% [markdown]
# ## Would it look the same if the network knew nothing?
#
# The sanity check of lessons 07 and 08, for all four maps: the same maps from networks with random weights (biases and batch norm stay). A map that does not change cannot have been about what the network learned.

# %% [markdown] notes="1" minutes=5
# Ask for a bet on each row before the cell. Who bet on guided backprop?


# %%
# how similar is each map to those of two networks with random weights? (rank correlation; about 10 seconds)
def four_maps(network):
    return {
        "SmoothGrad": smoothgrad(network, admiral, "academic gown"),
        "guided backprop": backprop(network, admiral, "academic gown", rule="guided").abs().amax(1),
        "occlusion": occlusion(network, admiral, gown, window=48, stride=24, progress=False),
        "evidence": evidence_map(network, admiral, "bn2.act", "academic gown")[0],
    }


again = [four_maps(randomized(net, seed=seed)) for seed in range(2)]
similar, chance, stays, dice_16 = {}, {}, {}, torch.Generator().manual_seed(0)
last_ten = four_maps(randomized(net, last=10))
print(f"{'':16s} two networks  size   chance   only the last 10 of 50 layers random")
for name in again[0]:
    similar[name] = torch.tensor([rank_correlation(maps[name], one[name]) for one in again])
    side = maps[name].shape[2]
    far = torch.randint(side // 4, side - side // 4, (20, 2), generator=dice_16).tolist()
    by_luck = [rank_correlation(maps[name], maps[name].roll(by, (1, 2))) for by in far]
    chance[name] = torch.tensor(by_luck).square().mean().sqrt()
    numbers = " ".join(f"{value:5.2f}" for value in similar[name])
    stays[name] = rank_correlation(maps[name], last_ten[name])
    size = similar[name].abs().mean()
    print(f"{name:16s} {numbers}   {size:5.2f}   ±{chance[name]:.2f}   {stays[name]:5.2f}")
other = {}
for subject in ("military uniform", "goldfish"):
    back = backprop(net, admiral, subject, rule="guided").abs().amax(1)
    booked_to = evidence_map(net, admiral, "bn2.act", subject)[0]
    for name, heat in (("guided backprop", back), ("evidence", booked_to)):
        other[name, subject] = rank_correlation(maps[name], heat)
        print(f"{name}, gown and {subject}: {other[name, subject]:.2f}")
guided = torch.cat([one["guided backprop"] for one in (maps, last_ten, again[0])])
titles = ["guided backprop", "last 10 layers random", "all random"]
show_heat(admiral.expand(3, -1, -1, -1), guided, titles)

# %% [markdown]
# "Chance" is how far the number is from zero (root of the mean square) when a map is compared with *itself*, moved to 20 other places. A map of 49 places has much of it. "Size" is the mean without the signs: with random last weights a map may come out turned around.
#
# - **SmoothGrad** has nothing in common with the maps of random networks.
# - **Guided backprop** comes out a little above chance with both. With only the last ten layers random it stays the same picture; the three others do not. For the goldfish it is the same, too: it is not about the class. Yet with equal grain its grades were as good as those of the evidence.
# - **Occlusion and evidence** are nearer to zero than chance. But their chance is wide: this test cannot decide about them.
#
# With all layers random none of the four maps stays as it was. But the old batch norm does not fit the new weights, and lesson 08 showed that this alone can make the test look passed. And a map that passes may still be wrong.

# %% claim="guided backprop is a little above chance with each random network, and stays with the last ten layers random, and for other classes; the others do not; chance is wide for two"
assert stays["guided backprop"] > 0.9
for name_ in ("SmoothGrad", "occlusion", "evidence"):
    assert not stays[name_] > 0.4
assert other["guided backprop", "goldfish"] > 0.95
assert other["guided backprop", "military uniform"] > 0.95
assert not other["evidence", "goldfish"] > 0.2
assert similar["guided backprop"].min() > 0.08
assert similar["guided backprop"].abs().mean() > 1.2 * chance["guided backprop"]
assert similar["guided backprop"].min() > chance["guided backprop"]
assert not similar["SmoothGrad"].abs().max() > 0.08
for coarse in ("occlusion", "evidence"):
    assert similar[coarse].abs().mean() < 0.8 * chance[coarse]
    assert chance[coarse] > 0.22
assert max(one.abs().max() for one in similar.values()) < 0.5
assert equal_grades["guided backprop", False][0] < 1.15 * equal_grades["evidence", False][0]
assert equal_grades["guided backprop", True][0] > 0.85 * equal_grades["evidence", True][0]

# %% [markdown]
# ## The edge of the photo
#
# Before a photo goes into the network, it is scaled and its border is **cut off**: `photo(...)` keeps a square in the middle, seven eighths of the shorter side, as ImageNet networks are tested.
#
# **Predict, run, explain.** If we keep more of the border, will the network (a) stay with the gown, (b) change its mind?

# %% [markdown] notes="1" minutes=8
# Let them vote first. Then ask who has ever looked at the crop in a pipeline of their own.

# %%
# the whole photo, and what the network got to see (yellow: 0.875 of the width; cyan, dashed: 0.90)
whole = load_image(gallery()("grace_hopper").path, None)  # (1, 3, 600, 512)
figure = show_images([whole[0], admiral[0]], ["the photo", "what the network saw"], width=6)
for side, look, shade in ((448, "-", "yellow"), (461, "--", "cyan")):
    y, x = (600 - side) / 2, (512 - side) / 2
    figure.axes[0].plot(
        [x, x + side, x + side, x, x],
        [y, y, y + side, y + side, y],
        look,
        color=shade,
        linewidth=1,
    )
figure


# %%
# D while the square grows around the middle, and while a square of the usual size (448 pixels) slides down
def of_squares(picture, squares):
    """D for squares (top, left, side) of a picture, and the first of all classes."""
    cuts = [picture[:, :, y : y + side, x : x + side] for y, x, side in squares]
    small = [F.interpolate(cut, (224, 224), mode="bicubic", antialias=True) for cut in cuts]
    with torch.no_grad():
        s = net(torch.cat(small).clamp(0, 1))
    return s[:, uniform] - s[:, gown], s.argmax(1)


kept, first_rows = torch.linspace(0.76, 1, 13), list(range(4, 153, 12))
sides = [round(512 * part) for part in kept.tolist()]
growing, best_growing = of_squares(
    whole, [((600 - side) // 2, (512 - side) // 2, side) for side in sides]
)
sliding, best_sliding = of_squares(whole, [(y, 32, 448) for y in first_rows])
figure, axes = new_figure(1, 2, width=9, aspect=0.6)
for axis, x, y, best, usual, label in (
    (axes[0, 0], kept, growing, best_growing, 0.875, "side of the square / width of the photo"),
    (axes[0, 1], torch.tensor(first_rows), sliding, best_sliding, 76, "first row of the square"),
):
    axis.plot(x, y)
    axis.plot(x[best == uniform], y[best == uniform], "o", color="C0")
    axis.plot(usual, difference, "ks")
    axis.axhline(0, color="gray", linewidth=0.8)
    axis.set_xlabel(label, fontsize=9)
    axis.set_ylim(-4, 4)
axes[0, 0].set_ylabel("D (above 0: uniform ahead of gown)", fontsize=9)
figure

# %% [markdown]
# (b): from 0.88 on the uniform is the first of all classes (dots), and from 0.90 on $D$ is above 1. (The black squares are the prediction from above. The course makes the photo small before it cuts, so the curves miss them by little.) A story is ready: the top of the cap came into view. Test it: cover again what came in, at one side after the other.

# %%
# D of the square of 0.90 with what it has more than the usual one covered, by the mean color and by gray
strips = {  # rows and columns of the photo
    "nothing": (slice(0, 0), slice(0, 0)),
    "top": (slice(0, 76), slice(None)),
    "bottom": (slice(524, None), slice(None)),
    "left": (slice(None), slice(0, 32)),
    "right": (slice(None), slice(480, None)),
}
of_strips = {}
for side in (*strips, "all"):
    found = []
    for shade in (whole.mean((2, 3), keepdim=True), 0.5):
        changed = whole.clone()
        for rows, columns in strips.values() if side == "all" else [strips[side]]:
            changed[:, :, rows, columns] = shade
        found.append(of_squares(changed, [(69, 25, 461)])[0].item())
    of_strips[side] = found
    print(f"{side:8s} mean color {found[0]:5.2f}, gray {found[1]:5.2f}")

# %% [markdown]
# Each strip costs 0.3 to 1. No single one brings the gown back; all four do. But a bar along the edge may cost something by itself, and for this there is no control. All that is shown: covering the top of the cap is not enough.
#
# In the right picture $D$ is highest a dozen rows above the usual place. How far can we move it?

# %%
# the usual square, moved by at most 8 pixels; and what covering the tag, or as much cloth, takes from D in 9 of them
near = [(76 + y, 32 + x, 448) for y in (-8, -4, 0, 4, 8) for x in (-8, -4, 0, 4, 8)]
moved_d, moved_best = of_squares(whole, near)
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
        without_it, _ = of_squares(changed, [near[k] for k in nine])
        tag_or_cloth[name, place] = moved_d[nine] - without_it
print(f"25 squares: D from {moved_d.min():.2f} to {moved_d.max():.2f}; first of all classes:")
for one, count in zip(*moved_best.unique(return_counts=True), strict=True):
    names = {uniform: "military uniform", gown: "academic gown"}
    print(f"{count:4}  {names.get(one.item(), 'another class')}")
for name in ("mean", "blur"):
    tag_costs = tag_or_cloth[name, "tag"]
    print(f"{name}: the tag's box costs {tag_costs.min():.2f} to {tag_costs.max():.2f}", end="")
    print(f", median {tag_costs.median():.2f}", end="")
    for place, where in (("cloth", "above it"), ("right", "at the right")):
        print(f"; cloth {where} {tag_or_cloth[name, place].median():.2f}", end="")
    more = tag_costs - tag_or_cloth[name, "cloth"]
    print(f"\n      at least 0.5 more than the cloth above it: {(more > 0.5).sum()} of 9")

# %% claim="the gown leads below the usual crop, the uniform from 0.9 on; the curve meets the prediction; sliding is best in between"
for part_kept, value_d in zip(kept.tolist(), growing.tolist(), strict=True):
    if part_kept < 0.87:
        assert value_d < -0.1
    if part_kept > 0.89:
        assert value_d > 1
assert (best_growing[kept > 0.875] == uniform).all()
assert not (best_growing[kept < 0.87] == uniform).any()
assert abs(of_squares(whole, [(76, 32, 448)])[0] - difference) < 0.2
best_row = first_rows[int(sliding.argmax())]
assert 50 < best_row < 76
assert sliding.max() > max(sliding[0], sliding[-1]) + 0.8
assert sliding[first_rows.index(76) :].min() < -1
plain_, both_ = of_strips["nothing"], of_strips["all"]
for side_ in ("top", "bottom", "left", "right"):
    for before_, after_ in zip(plain_, of_strips[side_], strict=True):
        assert 0.3 < after_ < before_ - 0.2
        assert after_ > before_ - 1.2
assert max(both_) < -0.1

# %% claim="most of 25 squares choose the uniform; in 9 of them the tag costs more than 1, far more than at the right; cloth above it costs about half of that; in most it is at least 0.5 less"
assert (moved_best == uniform).sum() >= 14
assert (moved_best == gown).sum() <= 9
assert moved_d.max() - moved_d.min() > 1.5
for cover_ in ("mean", "blur"):
    assert tag_or_cloth[cover_, "tag"].min() > 1.1
    assert (tag_or_cloth[cover_, "tag"] > tag_or_cloth[cover_, "right"] + 1).all()
    more_ = tag_or_cloth[cover_, "tag"] - tag_or_cloth[cover_, "cloth"]
    assert more_.median() > 0.4 and more_.min() > -0.2
    assert (more_ > 0.5).sum() >= 5
    ratio_ = tag_or_cloth[cover_, "cloth"].median() / tag_or_cloth[cover_, "tag"].median()
    assert 0.35 < ratio_ < 0.7
lead_ = tag_or_cloth["mean", "tag"] - tag_or_cloth["mean", "cloth"]
assert (lead_ < 0.5).sum() >= 2

# %% [markdown]
# Most of the 25 squares, moved by at most 8 pixels of the photo (4 of the network's), choose the uniform. **"Academic gown" is the answer for about a quarter of these squares, not for the photo.** The tag is another matter: in nine of them, covering it costs more than 1 with both covers, and far more than the same box over the cloth at the right. But over the cloth above the tag the box costs about half as much, here too. (With the mean color the tag's lead is below 0.5 in some of the nine.)

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
# (1) Why does EfficientNet-Lite0 prefer *academic gown* to *military uniform* for this crop? (2) The name tag and the ribbons speak for the uniform, the box over the eyes and the flag for the gown. (3) With either of the first two covered, the ratio uniform / gown fell to less than half with gray, mean and blur; none of ten boxes elsewhere lowered $D$ as much as the tag. Cloth in their place lowered it, too. Without the eyes or the flag the ratio rose with all three.
# (4) Over the cloth above the tag the same box costs about half as much; with gray and mean color, about as much as the box over the ribbons. The map gives the collar to the gown, but without it the ratio fell; the eyes are nearly white in the map; the tie, which the map does not show, lowered it, too; for the cap the answer depended on the cover. Most squares moved by a few pixels choose the uniform. (5) Whether it is the glasses, which marks on the tag count, whether ribbons, eyes and flag do the same in moved squares, and
# whether it is so in other photos, was not tested.

# %% [markdown]
# Now take a photo of your own: change the line that begins with `mine_too`. The cell covers the reddest 64 × 64 pixels of the map, and the palest as a control.

# %%
# your photo, its two best classes, the evidence between them; and what covering two boxes adds to their difference
mine_too = photo("motorcycle")  # or photo("path/to/my.jpg")
(first, _), (second, _) = net.predict(mine_too, k=2)[0]
between, _ = evidence_map(net, mine_too, "bn2.act", first, against=second)
pooled = F.avg_pool2d(between, 2, 1)[0]  # 2 x 2 places
pale = F.avg_pool2d(between.abs(), 2, 1)[0]
own_costs = {}
print(f"{first} minus {second}")
for name, place in (("reddest", pooled.argmax()), ("palest", pale.argmin())):
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
# - Combinations. We covered two parts together, once. There are many more pairs, and any three.

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
# - Tests need controls: boxes at other places, cloth in the tag's place, the same map moved, maps of equal grain, another class, networks with random weights, twice as many points.
# - Look at what the network gets to see, and move it a little, before you explain what it says.
#
# **Papers.** Zeiler, Fergus: *Visualizing and Understanding Convolutional Networks*, ECCV 2014 (occlusion). Springenberg, Dosovitskiy, Brox, Riedmiller: *Striving for Simplicity: The All Convolutional Net*, ICLR Workshop 2015 (guided backprop). Bach et al.: *On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation*, PLoS ONE 2015. Selvaraju et al.: *Grad-CAM*, ICCV 2017. Sundararajan, Taly, Yan: *Axiomatic Attribution for Deep Networks*, ICML 2017 (integrated gradients). Smilkov et al.: *SmoothGrad: Removing Noise by Adding Noise*, 2017. Zhou et al.: *Learning Deep Features for Discriminative Localization*, CVPR 2016. Samek et al.: *Evaluating the Visualization of What a Deep Neural Network Has Learned*, IEEE TNNLS 2017. Petsiuk, Das, Saenko: *RISE: Randomized Input Sampling for Explanation of Black-box Models*, BMVC 2018. Adebayo et al.: *Sanity Checks for Saliency Maps*, NeurIPS 2018. Hooker, Erhan, Kindermans, Kim: *A Benchmark for Interpretability Methods in Deep Neural Networks*, NeurIPS 2019 (ROAR). Miller: *Explanation in Artificial Intelligence*, Artificial Intelligence 2019 (why explanations answer "why this rather than that").
