/** The file names of Dockerfiles, in the order of the search. */
export const dockerfileNames: ReadonlyArray<string> = ["Dockerfile", "Containerfile"]
