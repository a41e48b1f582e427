"""How much each answer counts: from who was asked, who answered, and what the registry counts.

``cells`` reads margins and targets; ``raking`` and ``linear`` meet them; ``classes`` makes up for those who did not answer;
``replicates`` does all of it again under resampled clusters; ``balance`` shows what it changed; ``margins`` takes the
targets of a study from its registry.
"""
