# %% [markdown] lesson="16" title="Capstone: why did it say that?" minutes=80 needs="06, 07, 08"
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
from course_utils.gradients import backprop, rank_correlation, smoothgrad
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

# %% [markdown] fold="Hint"
# After the third line, what does `image` hold inside of the box?

# %% [markdown] solution="16.2"
# `without = image` makes a second name, not a second image. The box was covered in both. The caller's photo is damaged as well, and every experiment after this one is wrong without an error.

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

# %% [markdown]
# **Predict, run, explain.** Four maps for *academic gown*, and two of random numbers: single pixels, and blocks of $16 \times 16$ pixels. In the deletion test, where will the random pixels come out: (a) last, (b) in the middle, (c) among the best? Write it down, then run the cell.

# %%
# deletion and insertion for six maps (about 20 seconds)
generator = torch.Generator().manual_seed(0)
maps = {
    "SmoothGrad": smoothgrad(net, admiral, "academic gown"),
    "guided backprop": backprop(net, admiral, "academic gown", rule="guided").abs().amax(1),
    "occlusion": occlusion(net, admiral, "academic gown", window=48, stride=16, progress=False),
    "evidence": evidence_map(net, admiral, "bn2.act", "academic gown")[0],
    "random pixels": torch.rand(1, 224, 224, generator=generator),
    "random blocks": torch.rand(1, 14, 14, generator=generator),
}
looks = ["-", "--", "-", "--", ":", "-."]
figure, axes = new_figure(1, 2, width=9, aspect=0.8)
for axis, insert in zip(axes[0], (False, True), strict=True):
    for (name, heat), look in zip(maps.items(), looks, strict=True):
        curve = deletion_curve(net, admiral, heat, "academic gown", insert=insert)[0]
        axis.plot(
            torch.linspace(0, 1, len(curve)), curve, look, label=f"{name}, {curve.mean():.2f}"
        )
    axis.set_title("inserted: high is good" if insert else "deleted: low is good", fontsize=10)
    axis.set_xlabel("share of the pixels", fontsize=9)
    axis.set_ylim(-0.02, 0.8 if insert else 0.5)
    axis.legend(fontsize=8, ncols=2, loc="upper center", title="and the mean of each curve")
axes[0, 0].set_ylabel("probability of academic gown", fontsize=9)
figure

# %% [markdown]
# The random pixels come out among the best in deletion, and so do all maps with fine grain. Holes in every corner of the photo destroy any class: **the test measures the grain of the map as well as its truth.** The map of random *blocks* is a fairer control for occlusion and evidence.
#
# Insertion tells another story: occlusion and evidence bring the class back with a third of the pixels, the others hardly before the end. A test of explanations needs a control, as every measurement does.

# %% [markdown]
# ## Would it look the same if the network knew nothing?
#
# The sanity check of lessons 07 and 08, for all maps at once: the same maps from a network with random weights. A map that does not change cannot have been about what the network learned.

# %% [markdown] notes="1" minutes=5
# Ask for a bet on each row before the cell. Who bet on guided backprop?

# %%
# how similar is each map to that of a network with random weights? (rank correlation, 1: the same order of pixels)
unlearned = randomized(net)
again = {
    "SmoothGrad": smoothgrad(unlearned, admiral, "academic gown"),
    "guided backprop": backprop(unlearned, admiral, "academic gown", rule="guided").abs().amax(1),
    "occlusion": occlusion(unlearned, admiral, gown, window=48, stride=16, progress=False),
    "evidence": evidence_map(unlearned, admiral, "bn2.act", "academic gown")[0],
}
for name, heat in again.items():
    print(f"{name:16s} {rank_correlation(maps[name], heat):5.2f}")

# %% [markdown]
# No map stays as it was: all four depend on what the network has learned. Guided backprop keeps the most, as in lesson 08, but little. Is a negative number a finding? Occlusion and evidence have only some 50 to 150 places, and for so few, chance alone
# gives correlations of about ±0.1. A number such as −0.3 is more than that, for this one draw of random weights; another draw may give another sign. One seed decides nothing.
#
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
# - Combinations. We covered one part at a time. Tag and ribbons may stand in for each other.

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
# NeurIPS 2018. Miller: *Explanation in Artificial Intelligence*, Artificial Intelligence 267, 2019 (why explanations answer "why this rather than that").
