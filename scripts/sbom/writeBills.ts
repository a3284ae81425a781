import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { billOfMaterials, type Materials, materialsOf } from "./billOfMaterials.ts"
import { packageIn } from "./foundPackages.ts"
import { licenseProblems, thirdPartyLicenses } from "./licenses.ts"

const root = join(import.meta.dirname, "..", "..")

export const published = ["config-schema", "synth", "sdk", "server", "cli"]

/** In a package's `dist/`. */
export const billFile = "sbom.cdx.json"
export const licensesFile = "THIRD_PARTY_NOTICES.txt"

/** The components of each published package. `inputs`: the bundled files, by the package's folder. */
export const allMaterials = (inputs: ReadonlyMap<string, ReadonlyArray<string>>) =>
  published.map((name): Materials => {
    const own = packageIn(join(root, name))
    if (own === undefined) throw new Error(`${name}/package.json has no version.`)
    return materialsOf(own, inputs.get(name) ?? [])
  })

/** Writes each package's bill of materials into its `dist/`, and for bundles the licenses of their packages too. */
export const writeBills = (inputs: ReadonlyMap<string, ReadonlyArray<string>>) => {
  const all = allMaterials(inputs)
  const problems = all.flatMap(({ bundled, installed }) =>
    licenseProblems(new Map([...installed, ...bundled]).values())
  )
  if (problems.length > 0) throw new Error([...new Set(problems)].join("\n"))
  for (const materials of all) {
    const { bundled, installed, own } = materials
    const dist = join(own.folder, "dist")
    mkdirSync(dist, { recursive: true })
    writeFileSync(join(dist, billFile), billOfMaterials(materials))
    if (bundled.size > 0) writeFileSync(join(dist, licensesFile), thirdPartyLicenses(bundled.values()))
    console.log(`${own.name}: ${bundled.size} bundled, ${installed.size} installed → ${join(dist, billFile)}`)
  }
}
