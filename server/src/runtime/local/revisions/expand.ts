/**
 * Kubernetes' expansion of `$(NAME)` in env values, command and args: `$$` is a dollar sign, an unknown name stays as it
 * is written. Source: Kubernetes API, `EnvVar.value`.
 */
export const expand = (written: string, valueOf: (name: string) => string | undefined): string =>
  written.replace(/\$(?:\$|\(([^()]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? "$" : (valueOf(name) ?? whole)
  )
