/** An error with a message for the visitor; others are lost connections or bugs. */
export class VisitorError extends Error {}
