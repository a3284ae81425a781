import { basename } from "node:path"

/** A valid name for an app or a service, made from a folder's name (absolute path). */
export const nameOf = (folder: string): string => {
  const name = basename(folder)
    // `Büro` becomes `buro`: NFKD splits off the accent.
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 40)
    .replace(/-+$/, "")
  return name === "" || name === "xn" ? "my-app" : name
}

/** Unique names for folders (relative to `root`). Equal names get the parent folder as a prefix, then a number. */
export const namesOf = (root: string, folders: ReadonlyArray<string>): ReadonlyArray<string> => {
  const short = folders.map((folder) => nameOf(`${root}/${folder}`))
  const taken = new Set<string>()
  return folders.map((folder, index) => {
    const own = short[index] ?? "my-app"
    const isShared = short.filter((value) => value === own).length > 1
    const wanted = isShared ? nameOf(folder.split("/").slice(-2).join("-")) : own
    let name = wanted
    for (let number = 2; taken.has(name); number++) name = `${wanted.slice(0, 36).replace(/-+$/, "")}-${number}`
    taken.add(name)
    return name
  })
}
