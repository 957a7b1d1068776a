"""Methods: what is dropped from or changed in train pairs with the help of models. None by default."""
