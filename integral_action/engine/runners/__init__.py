from .integral_action_runner import IntegralActionRunner, set_num_classes

__all__ = ['IntegralActionRunner', 'set_num_classes']
