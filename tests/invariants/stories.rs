//! What breaks which rule, told step by step.
