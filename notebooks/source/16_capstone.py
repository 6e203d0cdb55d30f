# %% [markdown] lesson="16" title="Capstone: why did it say that?" minutes=86 needs="06, 07, 08"
# You will be able to: take one prediction apart with everything you have built; test each explanation against an experiment that could refute it; and write down what you know, and what you do not.

# %% tags=["setup"]
import torch
from torch.nn import functional as F

from course_utils import check, gallery, layer_outputs, load_network, photo, quiz, show_images
from course_utils.activations import (
    baseline_images,
    deletion_curve,
    evidence_map,
    occlusion,
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
# Grace Hopper, computer scientist and rear admiral, in uniform. The network says *academic gown*, then *mortarboard* (the square cap of a graduate), then *military uniform*. The map says why: the name tag and
# the ribbons speak for the uniform, the collar and the places beside the cap for the gown.
#
# It looks like a good explanation. In this lesson you find out which half of it is true.

# %% [markdown] notes="1" minutes=5
# Show the photo alone first. What would the room say, and from which parts? Write the parts on the board: cap, glasses, collar, tag, ribbons. Each gets a tick or a cross during the lesson.

# %% [markdown]
# ## First: what is the question?
#
# "Why academic gown?" has no answer by itself. Hair, face, cloth and cap speak for *many* classes of people in clothes. A good question names the alternative: **why gown and not uniform?** So we explain a *difference* of two scores,
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
# M = [(3 * 4 - 1 * 0) / 2, (3 * 0 - 1 * 2) / 2]
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
# Both scores are linear in the maps. So is their difference: its weights are `weight[one] - weight[two]`.

# %% uses="16.1"
# your map of the admiral, added up, against the difference from above
last = net.layer("classifier")
seen = layer_outputs(net, admiral, ["bn2.act"])["bn2.act"][0]
mine, rest = evidence(seen, last.weight.detach(), last.bias.detach(), uniform, gown)
print(f"places {mine.sum():.2f}, biases {rest:.2f}, together {mine.sum() + rest:.2f}")

# %% [markdown] solution="16.1"
# Without the division by $h \cdot w$ the picture looks the same and the sum is 49 times too large. That is how the method is usually printed; then nobody can add up.

# %%
# the same for each class alone: both look at the cap and the chest
pair = admiral.expand(2, -1, -1, -1)
alone, _ = evidence_map(net, pair, "bn2.act", ["academic gown", "military uniform"])
show_heat(pair, alone, ["academic gown", "military uniform"], signed=True)

# %% [markdown]
# Alone, both maps are nearly all red, and much alike: this is why the question needs an alternative.
#
# The map is exact, and it can still mislead. A "place" of the last layer is not a square of the photo: its receptive field (lesson 05) is larger than the whole image. The tag's place *adds* to the uniform. Whether it does so *because of the tag* must
# be tested on the photo.

# %% [markdown]
# ## Test it: cover what the map names
#
# **Predict, run, explain.** Six parts of the photo are covered, one after the other. For each, will the ratio uniform / gown (a) rise, (b) fall, (c) stay? Look at the map, write down six letters, then run the cell.

# %% [markdown] notes="1" minutes=16
# Letters on the board before the cell. After it, count who had all three columns of a row right. Then the bug: who sees it before running?

# %%
# ratio uniform / gown with a part covered, by three different covers
parts = {  # top, left, bottom, right
    "nothing": (0, 0, 0, 0),
    "cap": (0, 62, 60, 180),
    "beside cap": (0, 160, 60, 224),
    "glasses": (45, 60, 80, 175),
    "name tag": (195, 22, 220, 78),
    "ribbons": (200, 155, 224, 215),
    "collar": (140, 60, 200, 165),
}
covers = {name: baseline_images(admiral, name) for name in ("gray", "mean", "blur")}
print(f"{'':10s}", *(f"{name:>6s}" for name in covers))
for part, (top, left, bottom, right) in parts.items():
    ratios = []
    for cover in covers.values():
        changed = admiral.clone()
        changed[:, :, top:bottom, left:right] = cover[:, :, top:bottom, left:right]
        with torch.no_grad():
            s = net(changed)[0]
        ratios.append((s[uniform] - s[gown]).exp().item())
    print(f"{part:10s}", *(f"{ratio:6.2f}" for ratio in ratios))

# %% [markdown]
# - **Name tag, ribbons:** the ratio falls to a fraction, with every cover. The red half of the explanation survives three tests that could have refuted it.
# - **Collar:** it is blue in the map, so without it the uniform should win. With every cover the uniform loses instead. What this place *adds* is not what its pixels *cause*.
# - **Cap, beside the cap:** look along the rows. The answer depends on the cover. A gray box is not "no cap": it is a gray box on a head, and the network has an opinion about that too. Here you know less than the map pretends.
# - **Glasses:** nearly white in the map. Covered, they never lower the ratio, and with the blur they raise it most of all.


# %%
# tag and ribbons alone and together: how the difference D changes; and the tag's cover at 40 other places
def changes(boxes):
    """What covering the boxes adds to D, for each of the three covers."""
    covered = []
    for cover in covers.values():
        covered.append(admiral.clone())
        for top, left, bottom, right in boxes:
            covered[-1][:, :, top:bottom, left:right] = cover[:, :, top:bottom, left:right]
    with torch.no_grad():
        s = net(torch.cat(covered))
    return s[:, uniform] - s[:, gown] - difference


tag, ribbons = parts["name tag"], parts["ribbons"]
together = {"tag": changes([tag]), "ribbons": changes([ribbons]), "both": changes([tag, ribbons])}
print(f"{'':10s}", *(f"{name:>6s}" for name in covers))
for name, change in together.items():
    print(f"{name:10s}", *(f"{value:6.2f}" for value in change))
dice = torch.Generator().manual_seed(0)
corners = (torch.rand(40, 2, generator=dice) * torch.tensor([199, 168])).int().tolist()
elsewhere = torch.stack([changes([(y, x, y + 25, x + 56)]) for y, x in corners])
lower = (elsewhere < together["tag"]).float().mean(0)
print(
    "places where the same box lowers D more than on the tag:", *(f"{share:.0%}" for share in lower)
)

# %% [markdown]
# Do tag and ribbons stand in for each other? If either alone told the network "uniform", covering one would cost little, and covering both much. It is not so: together they cost about as much as the two costs added. And it is not the bright box on dark cloth: the same box at 40 other places hardly ever lowers $D$ as
# much.

# %% claim="tag and ribbons halve the ratio with each cover; the collar lowers it too; the glasses never do; the cap depends on the cover"
by_part = {
    key: changes([where_to]) for key, where_to in parts.items()
}  # the change of D, so log(1/2) halves the ratio
for key in ("name tag", "ribbons"):
    assert by_part[key].max() < -0.7
assert by_part["collar"].max() < -0.3
assert by_part["glasses"].min() > 0
assert by_part["cap"].max() - by_part["cap"].min() > 0.7

# %% claim="together tag and ribbons cost their sum, within a fifth, with each cover; the tag's box elsewhere hardly ever costs as much"
for cost_both, cost_tag, cost_ribbons in zip(
    *(together[k] for k in ("both", "tag", "ribbons")), strict=True
):
    assert cost_both < 0.9 * (cost_tag + cost_ribbons)
    assert cost_both > 1.2 * (cost_tag + cost_ribbons)
assert max(lower) < 0.15

# %% [markdown] exercise="16.2" title="Spot the bug: necessary, sufficient" points=2 difficulty=3 importance=4 minutes=10
# A part is *necessary* if the score falls without it, and *sufficient* if the score stays with it alone. The function should return both scores. The second number comes out too low. Find out why, and repair it.


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
# your function on the admiral, with the blurred cover: D without each part, and with this part alone
print(f"{'part':10s} without    only")
for part, box in parts.items():
    of_uniform = without_and_only(net, admiral, covers["blur"], box, uniform)
    of_gown = without_and_only(net, admiral, covers["blur"], box, gown)
    print(f"{part:10s} {of_uniform[0] - of_gown[0]:7.2f} {of_uniform[1] - of_gown[1]:7.2f}")

# %% [markdown] fold="Hint"
# After the third line, what does `image` hold inside of the box?

# %% [markdown] solution="16.2"
# `without = image` makes a second name, not a second image. The box was covered in both. The caller's photo is damaged as well, and every experiment after this one is wrong without an error.
#
# In the table, the row "nothing" is the measure for both columns: without nothing, $D$ of the photo; nothing alone, $D$ of the blurred photo. A part is necessary for the uniform if the first number falls below that row, and it speaks for the uniform by itself if the second number rises above it. Only tag and ribbons do both, and neither is sufficient: alone, each stays far below the $D$ of the whole photo.

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
# Lesson 07 has two more maps. Does what they say of the six parts agree with the covers?
#
# - **Grad-CAM** weights the last feature maps by their mean gradient. This network ends in a mean and a linear layer, so the gradient of $S_c$ with respect to $A_k$ is $w_{ck} / 49$ everywhere: here Grad-CAM *is* the evidence map, without its negative half. It is no second witness.
# - **Integrated gradients** give every *pixel* a part of $D$. The parts add up to $D$ of the photo minus $D$ of a baseline, here the blurred photo.

# %% [markdown] notes="1" minutes=6
# Ask before the cell: which of the two can disagree with the evidence map? Then let the room look for a row in which all three agree.

# %%
# what each part adds to D by evidence and by integrated gradients, and what its covers say (the mean of three)
blurred = baseline_images(admiral, "blur")
parts_of_d = sum(
    sign * integrated_gradients(net, admiral, name, baseline=blurred)[0].sum(0)
    for sign, name in ((1, "military uniform"), (-1, "academic gown"))
)
spread = F.interpolate(why[None], (224, 224), mode="nearest")[0, 0] / 32**2  # 32 x 32 pixels each
print(f"{'part':10s} evidence  integrated  covers")
table = {}
for part, box in list(parts.items())[1:]:
    top, left, bottom, right = box
    inside = slice(top, bottom), slice(left, right)
    table[part] = spread[inside].sum(), parts_of_d[inside].sum(), -changes([box]).mean()
    print(f"{part:10s} {table[part][0]:8.2f} {table[part][1]:11.2f} {table[part][2]:7.2f}")
two_maps = [F.interpolate(why[None], (224, 224), mode="bilinear")[0, 0], blur(parts_of_d, 4)]
two_titles = ["evidence", "integrated gradients, blurred"]
show_heat(admiral.expand(2, -1, -1, -1), torch.stack(two_maps), two_titles, signed=True)

# %% [markdown]
# For tag and ribbons all three say the same. For cap and collar the evidence map has the other sign than the covers, and integrated gradients side with the covers. Two of three is no proof: integrated gradients compare the photo with a blurred one, and so does one of the three covers. They share this assumption; the evidence
# map does not.

# %% claim="all three agree on tag and ribbons; for cap and collar the evidence has the other sign, integrated gradients that of the covers"
for key in ("name tag", "ribbons"):
    assert min(table[key]) > 0.1
for key in ("cap", "collar"):
    assert table[key][0] < -0.1
    assert min(table[key][1:]) > 0.1

# %% claim="Grad-CAM is the positive half of the evidence map here; the parts of integrated gradients add up"
cam_of = grad_cam(net, admiral, "bn2.act", "academic gown")
evidence_of = evidence_map(net, admiral, "bn2.act", "academic gown")[0]
torch.testing.assert_close(cam_of, evidence_of.clamp(min=0), rtol=1e-3, atol=1e-4)
with torch.no_grad():
    of_blurred = net(blurred)[0]
gap = difference - (of_blurred[uniform] - of_blurred[gown])
assert abs(parts_of_d.sum() - gap) < 0.1 * abs(gap) + 0.05

# %% [markdown]
# ## Which map can be trusted?
#
# You now know several maps for the same question. Do they agree? Take a number for it: **delete** the pixels that a map calls important, the most important first, and watch the probability. The sooner it falls, the better the map. Or **insert** them into a blurred
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
# **Predict, run, explain.** Five maps for *academic gown*, and two of random numbers: single pixels, and blocks of $16 \times 16$ pixels. In the deletion test, where will the random pixels come out: (a) last, (b) in the middle, (c) among the best? Write it down, then run the cell.

# %%
# deletion and insertion for seven maps (about 20 seconds)
generator = torch.Generator().manual_seed(0)
maps = {
    "SmoothGrad": smoothgrad(net, admiral, "academic gown"),
    "guided backprop": backprop(net, admiral, "academic gown", rule="guided").abs().amax(1),
    "integrated": integrated_gradients(net, admiral, "academic gown", baseline=blurred).sum(1),
    "occlusion": occlusion(net, admiral, "academic gown", window=48, stride=16, progress=False),
    "evidence": evidence_map(net, admiral, "bn2.act", "academic gown")[0],
    "random pixels": torch.rand(1, 224, 224, generator=generator),
    "random blocks": torch.rand(1, 14, 14, generator=generator),
}
looks, means = ["-", "--", "-.", "-", "--", ":", "-."], {}
figure, axes = new_figure(1, 2, width=9, aspect=0.8)
for axis, insert in zip(axes[0], (False, True), strict=True):
    for (name, heat), look in zip(maps.items(), looks, strict=True):
        curve = deletion_curve(net, admiral, heat, "academic gown", insert=insert)[0]
        means[name, insert] = curve.mean().item()
        axis.plot(
            torch.linspace(0, 1, len(curve)), curve, look, label=f"{name}, {curve.mean():.2f}"
        )
    axis.set_title("inserted: high is good" if insert else "deleted: low is good", fontsize=10)
    axis.set_xlabel("share of the pixels", fontsize=9)
    axis.set_ylim(-0.02, 1.0 if insert else 0.6)
    axis.legend(fontsize=8, ncols=2, loc="upper center", title="and the mean of each curve")
axes[0, 0].set_ylabel("probability of academic gown", fontsize=9)
figure

# %% [markdown]
# The random pixels come out among the best in deletion, and so do all maps with fine grain. Holes in every corner of the photo destroy any class: **the test measures the grain of the map as well as its truth.** The map of random *blocks* is a fairer control for occlusion and evidence: which of the two beats it in deletion, and which in insertion?
#
# Insertion tells another story: occlusion and evidence bring the class back with a third of the pixels, the others hardly before the end. A test of explanations needs a control, as every measurement does.
#
# There is a deeper objection. A photo with holes is unlike all photos of the training: does the probability fall because the right pixels are gone, or because holes are strange? **ROAR** ("remove and retrain", Hooker et al., 2019) therefore covers the pixels in all *training* photos, trains the network anew, and
# looks how much worse it becomes. There, several well-known maps were no better than random pixels. It costs a training for every point of the curve.

# %% claim="in deletion random pixels beat random blocks, occlusion and evidence; in insertion occlusion and evidence beat all others twice"
for name_ in ("random blocks", "occlusion", "evidence"):
    assert means["random pixels", False] < 0.7 * means[name_, False]
fine = ("SmoothGrad", "guided backprop", "integrated", "random pixels", "random blocks")
for name_ in ("occlusion", "evidence"):
    assert means[name_, True] > 2 * max(means[key, True] for key in fine)

# %% [markdown]
# ## Would it look the same if the network knew nothing?
#
# The sanity check of lessons 07 and 08, for all maps at once: the same maps from a network with random weights. A map that does not change cannot have been about what the network learned.

# %% [markdown] notes="1" minutes=5
# Ask for a bet on each row before the cell. Who bet on guided backprop?


# %%
# how similar is each map to those of five networks with random weights? (rank correlation; about 40 seconds)
def four_maps(network):
    return {
        "SmoothGrad": smoothgrad(network, admiral, "academic gown"),
        "guided backprop": backprop(network, admiral, "academic gown", rule="guided").abs().amax(1),
        "occlusion": occlusion(network, admiral, gown, window=48, stride=16, progress=False),
        "evidence": evidence_map(network, admiral, "bn2.act", "academic gown")[0],
    }


again = [four_maps(randomized(net, seed=seed)) for seed in range(5)]
similar, dice_16 = {}, torch.Generator().manual_seed(0)
print(f"{'':16s} five random networks            mean   chance")
for name in again[0]:
    similar[name] = torch.tensor([rank_correlation(maps[name], one[name]) for one in again])
    side = maps[name].shape[2]
    far = torch.randint(side // 4, side - side // 4, (100, 2), generator=dice_16).tolist()
    chance = torch.tensor([rank_correlation(maps[name], maps[name].roll(by, (1, 2))) for by in far])
    numbers = " ".join(f"{value:5.2f}" for value in similar[name])
    print(f"{name:16s} {numbers}   {similar[name].mean():5.2f}   ±{chance.std():.2f}")

# %% [markdown]
# "Chance" is how far the number spreads when the map is compared with *itself*, moved to 100 other places: the same grain, at a wrong place. A fine map has many independent pixels and little chance; a map of 49 places has much. So look at a row as a whole:
#
# - **SmoothGrad** has nothing in common with the maps of random networks.
# - **Guided backprop** keeps something with each of the five, as in lesson 08.
# - **Occlusion and evidence** give numbers of both signs, as far apart as chance. Who had drawn one random network could have told any story.
#
# No map stays as it was: all four depend on what the network has learned.
# %% claim="guided backprop keeps something with each random network, beyond chance; occlusion and evidence have both signs; no map stays"
assert similar["guided backprop"].min() > 0.08
assert not similar["SmoothGrad"].abs().max() > 0.08
for coarse in ("occlusion", "evidence"):
    assert similar[coarse].min() < -0.05
    assert similar[coarse].max() > 0.05
assert max(one.max() for one in similar.values()) < 0.5

# %% [markdown]
# A map that passes this check may still be wrong. One that fails it cannot be right.

# %% [markdown]
# ## The edge of the photo
#
# One suspect is left, and it is not in the photo. Before a photo goes into the network, it is scaled and its border is **cut off**: `photo(...)` keeps the middle seven eighths, as ImageNet networks are tested. Did the network ever see what you see?
#
# **Predict, run, explain.** If we keep more of the border, will the network (a) stay with the gown, (b) change its mind?

# %% [markdown] notes="1" minutes=8
# Let them vote first. Then ask who has ever looked at the crop in a pipeline of their own.

# %%
# the whole photo, and what the network got to see
(file,) = (p.path for p in gallery() if p.name == "grace_hopper")
whole = load_image(file, None)  # (1, 3, 600, 512)
show_images([whole[0], admiral[0]], ["the photo", "what the network saw"], width=6)

# %%
# from the middle three quarters of the width to all of it
kept, rows = torch.linspace(0.76, 1, 13), []
for part in kept.tolist():
    side = round(512 * part)
    top, left = (600 - side) // 2, (512 - side) // 2
    cut = whole[:, :, top : top + side, left : left + side]
    with torch.no_grad():
        rows.append(
            net(F.interpolate(cut, (224, 224), mode="bilinear", antialias=True)).softmax(1)[0]
        )
figure, axes = new_figure(width=7, aspect=0.42)
for name, look in (("military uniform", "-"), ("academic gown", "--"), ("mortarboard", ":")):
    axes[0, 0].plot(kept, torch.stack(rows)[:, net.class_index(name)], look, label=name)
axes[0, 0].axvline(0.875, color="gray", linewidth=1)
axes[0, 0].text(0.876, 0.01, "the usual crop", fontsize=8, color="gray")
axes[0, 0].set_xlabel("share of the width that is kept", fontsize=9)
axes[0, 0].set_ylabel("probability", fontsize=9)
axes[0, 0].legend(fontsize=8)
figure

# %% claim="with less than the usual crop the gown is ahead of the uniform, with nine tenths of the width or more the uniform, twice"
for part_kept, odds in zip(kept.tolist(), rows, strict=True):
    if part_kept < 0.87:
        assert odds[uniform] < 0.9 * odds[gown]
    if part_kept > 0.89:
        assert odds[uniform] > 2 * odds[gown]

# %% [markdown]
# (b), and it happens at the usual crop. Left of the line the gown and the mortarboard win, right of it the uniform, clearly. The white top of the cap, its emblem, a gold button and the ends of the ribbons were in the part that was thrown away. What is left of the cap is a black band over a forehead.
#
# The map, the covers and the curves told you about a photo that hardly anybody would have chosen to show. **Before you explain what a network says, look at what it got to see.**

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
# (1) Why does EfficientNet-Lite0 prefer *academic gown* to *military uniform* for this crop? (2) The name tag and the ribbons speak for the uniform. (3) With either of them covered, the ratio uniform / gown fell to less than half of what it was, with gray, mean and blur.
# (4) The map gives the collar to the gown, but without the collar the uniform lost with every cover; for the cap the answer depended on the cover. A little more border turns the decision around, so it was close from the start. (5) Whether the network knows tags and ribbons as signs of a
# uniform, or small bright rectangles on dark cloth, was not tested.

# %% [markdown]
# Now take a photo of your own: change the first line, and go through the same steps.

# %%
# your photo, its two best classes, and the evidence between them
mine_too = photo("motorcycle")  # or photo("path/to/my.jpg")
(first, _), (second, _) = net.predict(mine_too, k=2)[0]
show_heat(
    mine_too,
    evidence_map(net, mine_too, "bn2.act", first, against=second)[0],
    title=f"red: {first}, blue: {second}",
    signed=True,
)

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
# - Tests of maps need controls: random maps of the same grain, and networks with random weights.
# - Look at what the network gets to see, before you explain what it says.
#
# **Papers.** Zhou et al.: *Learning Deep Features for Discriminative Localization*, CVPR 2016. Petsiuk, Das, Saenko: *RISE: Randomized Input Sampling for Explanation of Black-box Models*, BMVC 2018. Adebayo et al.: *Sanity Checks for Saliency Maps*,
# NeurIPS 2018. Hooker, Erhan, Kindermans, Kim: *A Benchmark for Interpretability Methods in Deep Neural Networks*, NeurIPS 2019 (ROAR). Miller: *Explanation in Artificial Intelligence*, Artificial Intelligence 267, 2019 (why explanations answer "why this rather than that").
