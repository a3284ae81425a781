/**
 * Writes a text so that Kubernetes gives it to the program as it is: in the values of `env` it replaces `$(NAME)` by
 * the variable NAME and `$$` by `$` (Kubernetes API, EnvVar `value`).
 */
export const literal = (text: string): string =>
  text.includes("$(") || text.includes("$$") ? text.replaceAll("$", "$$$$") : text
