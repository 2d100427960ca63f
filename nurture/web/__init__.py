"""The HTTP room: touches in, mail links, sales' answers, figures. Everything it needs comes in `Deps`."""
