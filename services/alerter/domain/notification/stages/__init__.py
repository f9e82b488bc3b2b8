"""The stages between alerts and messages, in their order: each has one method, which is given a Flow and passes one on."""
