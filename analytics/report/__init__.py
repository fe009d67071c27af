"""One page of charts from the models. Runs in the analytics environment, without the pipeline's packages."""
