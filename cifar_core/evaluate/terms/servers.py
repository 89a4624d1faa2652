"""Words for many people, machines and processes at work on one workspace."""

from cifar_core.evaluate.terms.term import Term

TERMS: dict[str, Term] = {
    "slot": Term(
        "Slot, queue",
        "Whose turn it is",
        "A slot is room for one training. As many train at a time as the server has slots; the others wait in a line, the "
        "queue.",
    ),
    "where": Term(
        "Where, cluster",
        "Which machine trains",
        "A run is trained by this machine, or by a cluster: several machines, the nodes, that work for one head. There it "
        "takes the processors and GPUs that it asks for, and no slot of this machine. Its curves and results come here.",
    ),
    "fair_share": Term(
        "Fair share",
        "Everybody once before anybody twice",
        "A rule for the queue of a class: nobody's second run trains before everybody's first, nobody's third before "
        "everybody's second, and so on. Within a round it is first come, first served.",
    ),
    "lesson": Term(
        "Lesson",
        "What the class trains today",
        "A name and settings behind a link. Runs and sweeps that are started by it carry its name, so that those of a "
        "class can be looked at side by side.",
    ),
}
