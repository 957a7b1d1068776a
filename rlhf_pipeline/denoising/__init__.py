"""The area of the stage `denoising`."""
