import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type FoundPackage, keyOf } from "./foundPackages.ts"

/**
 * Allowed licenses for shipped code: permissive ones, which only require that their text comes with each copy. Each name is an SPDX
 * identifier. Read a license before you add it.
 */
export const allowedLicenses: ReadonlySet<string> = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MIT-0",
  "Python-2.0",
  "Unlicense",
  "Zlib"
])

/** Is an SPDX expression allowed? For `(A AND B)`, both must be. */
export const isAllowed = (expression: string): boolean =>
  expression
    .replace(/^\((.*)\)$/, "$1")
    .split(" AND ")
    .every((license) => allowedLicenses.has(license))

/** The problems with these packages' licenses, one sentence each. */
export const licenseProblems = (packages: Iterable<FoundPackage>): ReadonlyArray<string> =>
  [...packages]
    .filter(({ license }) => license === undefined || !isAllowed(license))
    .map(
      (found) =>
        `${keyOf(found)} has ${found.license === undefined ? "no license" : `the license ${found.license}`}, which scripts/sbom/licenses.ts doesn't allow. Use another package, or read the license and add it there.`
    )

const nameOfText = /^(licen[cs]e|copying|notice|copyright)([.-].*)?$/i

/** A package's license texts, and the notice that Apache-2.0 requires to pass on. */
const textsOf = ({ folder }: FoundPackage): ReadonlyArray<string> =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && nameOfText.test(entry.name))
    .map((entry) => entry.name)
    .toSorted()
    .map((name) => readFileSync(join(folder, name), "utf8").replaceAll("\r\n", "\n").trim())

const rule = "-".repeat(80)

/** The licenses of the packages in a bundle. Equal texts appear once. */
export const thirdPartyLicenses = (bundled: Iterable<FoundPackage>): string => {
  const byText = new Map<string, Array<string>>()
  const foreign = [...bundled].filter(({ name }) => !name.startsWith("@maxcloud/"))
  for (const found of foreign.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
    const texts = textsOf(found)
    const text =
      texts.length > 0
        ? texts.join("\n\n")
        : `License: ${found.license ?? "unknown"} (the package has no license file).`
    byText.set(text, [...(byText.get(text) ?? []), keyOf(found)])
  }
  const sections = [...byText].map(([text, names]) => `${rule}\n${names.join("\n")}\n${rule}\n\n${text}\n`)
  return `This package contains code of the packages below, each under its own license.\n\n${sections.join("\n")}`
}
