"""The one error of the emulator's tool."""


class EmulatorError(Exception):
    """The emulator could not be installed or started; says what to do."""
