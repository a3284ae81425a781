/** The lockfiles of each package manager of Node, in the order in which a build looks for them: the first that is there decides. */
export const lockfilesOf = {
  npm: ["package-lock.json", "npm-shrinkwrap.json"],
  pnpm: ["pnpm-lock.yaml"],
  yarn: ["yarn.lock"],
  bun: ["bun.lock", "bun.lockb"]
} as const

export type PackageManager = keyof typeof lockfilesOf

const managers = ["npm", "pnpm", "yarn", "bun"] as const satisfies ReadonlyArray<PackageManager>

/** Every lockfile's name. */
export const lockfileNames: ReadonlyArray<string> = managers.flatMap((manager) => lockfilesOf[manager])

/** The package manager of a folder with files of these names; npm, if there is no lockfile. */
export const packageManagerOf = (names: ReadonlyArray<string>): PackageManager =>
  managers.find((manager) => lockfilesOf[manager].some((lockfile) => names.includes(lockfile))) ?? "npm"
