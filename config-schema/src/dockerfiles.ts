/** The names of a file that says how a folder becomes an image, in the order in which they are looked for. */
export const dockerfileNames: ReadonlyArray<string> = ["Dockerfile", "Containerfile"]
