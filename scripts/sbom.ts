/** Writes the bills of materials without a build. */
import { bundle, bundles } from "./bundles.ts"
import { writeBills } from "./sbom/writeBills.ts"

const inputs = new Map<string, ReadonlyArray<string>>()
for (const [name, options] of Object.entries(bundles)) inputs.set(name, await bundle(name, options, false))
writeBills(inputs)
