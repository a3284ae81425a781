import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Schema } from "effect"
import { FaultOutcome } from "../../server/test/chaos/recordFault.ts"
import { readLedger } from "../kills/ledger.ts"
import { SoakFile } from "../soak/Sample.ts"
import type { Measured } from "./page.ts"

const docs = join(import.meta.dirname, "../../docs")
export const pageFile = join(docs, "reliability.md")
export const pictureFile = join(docs, "reliability/soak.svg")
const faultsFile = join(docs, "reliability/faults.json")
const soakFile = join(docs, "reliability/soak.json")

const Faults = Schema.parseJson(Schema.Struct({ faults: Schema.Array(FaultOutcome) }), { space: 2 })

const readFaults = (): ReadonlyArray<FaultOutcome> =>
  existsSync(faultsFile) ? Schema.decodeUnknownSync(Faults)(readFileSync(faultsFile, "utf8")).faults : []

const order = (a: FaultOutcome, b: FaultOutcome) => a.test.localeCompare(b.test) || a.fault.localeCompare(b.fault)

/** Stores these outcomes, and replaces earlier ones of the same faults. */
export const keepFaults = (lines: string): ReadonlyArray<FaultOutcome> => {
  const found = lines
    .split("\n")
    .filter(Boolean)
    .map((line) => Schema.decodeUnknownSync(Schema.parseJson(FaultOutcome))(line))
  const names = new Set(found.map((each) => each.fault))
  const faults = [...readFaults().filter((readFault) => !names.has(readFault.fault)), ...found].sort(order)
  writeFileSync(faultsFile, `${Schema.encodeSync(Faults)({ faults })}\n`)
  return found
}

/** The measurements in docs/reliability. */
export const readMeasured = (): Measured => ({
  batches: readLedger(join(docs, "reliability/kills.json")).batches,
  faults: readFaults(),
  soak: existsSync(soakFile) ? Schema.decodeUnknownSync(SoakFile)(readFileSync(soakFile, "utf8")) : undefined
})
