from .class_file_runner import ClassFileRunner, set_num_classes

__all__ = ['ClassFileRunner', 'set_num_classes']
