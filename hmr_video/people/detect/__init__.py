"""Networks and engines that find people in a picture."""
