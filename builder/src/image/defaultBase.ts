/** The image to build on if none is named. `name` is that of the build's plan; `python` the version that builds. */
export const defaultBase = (name: string, python: string): string => {
  if (name.startsWith("Python")) return `docker.io/library/python:${python}-slim`
  if (name.startsWith("Go") || name.startsWith("Deno")) return "docker.io/library/debian:stable-slim"
  return `docker.io/library/node:${process.versions.node.split(".")[0]}-slim`
}
