/**
 * Escapes a text so that the program gets it unchanged: in values of `env`, Kubernetes replaces `$(NAME)` with the variable NAME and `$$` with `$`
 * (Kubernetes API, EnvVar `value`).
 */
export const literal = (text: string): string =>
  text.includes("$(") || text.includes("$$") ? text.replaceAll("$", "$$$$") : text
