# %% [markdown] lesson="explore" title="Explore: all explorers together" minutes=30
# Every method of the course that is worth turning a knob on, in the order of the lessons. Each cell stands alone: run the first one, then the one that you want.
# All controls work by keyboard: Tab goes from one to the next, the arrow keys turn a knob or move the cross on a picture, and Enter chooses the place. For a photo of your own, press *My own picture*.

# %% tags=["setup"]
from course_utils import explorers

# %% [markdown]
# ## Feature maps (lesson 02)
#
# Choose a layer, then turn through its channels. Click on the large map: the frame in the photo shows what this place can see. How does it grow from layer to layer?

# %%
# one channel, one place, and what it can see
explorers.FeatureMaps()

# %% [markdown]
# ## Nearest neighbors (lesson 03)
#
# Click on a picture. Below are the pictures that are nearest in pixels and in features. For which pictures do the pixels do well?

# %%
# the nearest in pixels, and in features
explorers.Neighbors()

# %% [markdown]
# ## The space of features (lesson 04)
#
# Click on a picture of the map. Its neighbors in the full space are on the right. Are they its neighbors on the map, too? Compare t-SNE with PCA, and features with pixels.

# %%
# a map of pictures
explorers.FeatureSpace()

# %% [markdown]
# ## Top patches (lesson 05)
#
# Turn through the channels. What have the nine patches of a channel in common? Click on one to see where in its photo it lies.

# %%
# what a channel answers to most
explorers.TopPatches("vgg19", layer="relu3_3")

# %% [markdown]
# ## Occlusion (lesson 06)
#
# Drag the window over the photo and watch the probabilities. *Full map* covers every place in turn.

# %%
# cover a part
explorers.Occlusion()

# %% [markdown]
# ## Saliency (lesson 07) and the rules of backprop (lesson 08)
#
# Send a class back to the pixels; or choose *one unit* and click on its feature map. Compare the three rules.

# %%
# which pixels matter, by three rules
explorers.Saliency()

# %% [markdown]
# ## Class visualization (lesson 09)
#
# Draw any class of the 1000, with each helper on or off. The last result stays beside the new one.

# %%
# draw any class, with each helper on or off
explorers.ClassVisualization()

# %% [markdown]
# ## Fooling (lesson 10)
#
# Choose a photo, the class that the network should see, and ε. What is the smallest ε that is enough?

# %%
# attack any photo toward any class
explorers.Fooling()

# %% [markdown]
# ## Feature inversion (lesson 11)
#
# What does each layer still know of the photo? Go from relu1_2 to relu5_1, and then take another seed.

# %%
# look into any layer: what does it still know of the photo?
explorers.Inversion()

# %% [markdown]
# ## DeepDream (lesson 12)
#
# Choose a layer and press Start. *Dream on* starts from the dream instead of from the photo.

# %%
# dream on any photo
explorers.DeepDream()

# %% [markdown]
# ## Texture (lesson 13)
#
# One layer against five, a small window against a large one. Which samples does each method fail on?

# %%
# make more of any sample, by either method
explorers.Texture()

# %% [markdown]
# ## Style transfer (lesson 14)
#
# Press Start, and turn the weights while it paints: it goes on from the picture that is there.

# %%
# paint, and turn the weights meanwhile
explorers.StyleTransfer()

# %% [markdown]
# ## Many styles (lesson 15)
#
# One network, eight styles. Raise one slider, then a second one: the picture follows at once.

# %%
# mix styles
explorers.ManyStyles()
