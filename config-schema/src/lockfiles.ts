/** The lockfiles of each Node package manager, in the order of a build's search: the first existing one decides. */
export const lockfilesOf = {
  npm: ["package-lock.json", "npm-shrinkwrap.json"],
  pnpm: ["pnpm-lock.yaml"],
  yarn: ["yarn.lock"],
  bun: ["bun.lock", "bun.lockb"]
} as const

export type PackageManager = keyof typeof lockfilesOf

const managers = ["npm", "pnpm", "yarn", "bun"] as const satisfies ReadonlyArray<PackageManager>

/** All lockfile names. */
export const lockfileNames: ReadonlyArray<string> = managers.flatMap((manager) => lockfilesOf[manager])

/** The package manager of a folder with these file names; npm if there is no lockfile. */
export const packageManagerOf = (names: ReadonlyArray<string>): PackageManager =>
  managers.find((manager) => lockfilesOf[manager].some((lockfile) => names.includes(lockfile))) ?? "npm"
