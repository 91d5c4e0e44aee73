from .two_stream_recognizer import TwoStreamRecognizer

__all__ = ['TwoStreamRecognizer']
