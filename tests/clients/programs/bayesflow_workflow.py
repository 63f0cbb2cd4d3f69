"""bayesflow: a small posterior learned from simulations with a coupling flow and flow matching, and sampled."""

import bayesflow as bf
import keras
import numpy as np


def prior():
    return {"mu": np.random.normal(size=2)}


def likelihood(mu):
    return {"x": np.random.normal(mu, 1, size=(8, 2))}


simulator = bf.make_simulator([prior, likelihood])
adapter = (
    bf.Adapter()
    .convert_dtype("float64", "float32")
    .concatenate(["mu"], into="inference_variables")
    .as_set(["x"])
    .rename("x", "summary_variables")
)
networks = [bf.networks.CouplingFlow(depth=2), bf.networks.FlowMatching(subnet_kwargs={"widths": (16, 16)})]
for network in networks:
    workflow = bf.BasicWorkflow(
        simulator=simulator,
        adapter=adapter,
        inference_network=network,
        summary_network=bf.networks.DeepSet(summary_dim=4, depth=1),
    )
    history = workflow.fit_online(epochs=2, num_batches_per_epoch=3, batch_size=16, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert workflow.sample(conditions=simulator.sample(3), num_samples=5)["mu"].shape == (3, 5, 2)

workflow.approximator.save("approximator.keras")
same = keras.saving.load_model("approximator.keras")
assert same.sample(conditions=simulator.sample(2), num_samples=3)["mu"].shape == (2, 3, 2)
print("ok")
