"""A playbook's versions: checked, planned on paper, put in force while leads are under way."""
