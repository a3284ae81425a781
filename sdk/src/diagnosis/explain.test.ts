import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { diagnosisPage } from "../../scripts/diagnosisPage.ts"
import {
  diagnosisCodes,
  diagnosisOf,
  explain,
  explainReason,
  findDiagnosisCode,
  isCaution,
  mayPass,
  statusReasons
} from "./index.ts"

const backticked = (texts: ReadonlyArray<string>) =>
  texts
    .flatMap((text) => [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? ""))
    .filter((match) => /maxcloud|docker|kubectl/.test(match))

describe("explanations", () => {
  it.each(diagnosisCodes)("%s has the same structure in both languages", (code) => {
    const english = explain(code)
    const german = explain(code, "de")
    expect(german.causes).toHaveLength(english.causes.length)
    expect(german.steps).toHaveLength(english.steps.length)
    expect(backticked(german.steps)).toEqual(backticked(english.steps))
    expect(german.title).not.toBe(english.title)
    expect(german.meaning).not.toBe(english.meaning)
    for (const { fix, meaning, steps, title } of [english, german]) {
      expect(title).not.toMatch(/\.$/)
      for (const sentence of [fix, meaning]) expect(sentence).toMatch(/[.)]$/)
      expect(steps.length).toBeGreaterThan(0)
    }
  })

  it("are found however the code is spelled", () => {
    for (const code of diagnosisCodes) {
      expect(findDiagnosisCode(code.replace(/(?!^)[A-Z]/g, (value) => `-${value}`).toLowerCase())).toBe(code)
    }
    expect(findDiagnosisCode("Nothing")).toBeUndefined()
  })

  it("cover each reason in both languages, and no reason is a code", () => {
    for (const reason of [...statusReasons, "ExitCode7"]) {
      const english = explainReason(reason.toUpperCase())
      expect(english?.reason).toBe(reason)
      expect(english?.meaning).toMatch(/\.$/)
      expect(explainReason(reason, "de")?.meaning).not.toBe(english?.meaning)
      expect(findDiagnosisCode(reason)).toBeUndefined()
    }
    expect(explainReason("Nothing")).toBeUndefined()
    expect(explainReason("toString")).toBeUndefined()
  })

  it("know which codes may resolve by waiting, and which are harmless here", () => {
    expect(diagnosisCodes.filter(isCaution)).toEqual([
      "ImageSettingsUnused",
      "ImageStandIn",
      "LoopbackOnly",
      "WrongProtocol"
    ])
    expect(["NotListening", "CrashOnStart"].map((name) => mayPass(findDiagnosisCode(name) ?? "WrongPort"))).toEqual([
      true,
      true
    ])
    expect(
      ["WrongPort", "ImageNotFound", "ProbeFailing"].map((name) => mayPass(findDiagnosisCode(name) ?? "Evicted"))
    ).toEqual([false, false, false])
  })

  it("provide a diagnosis's fix, unless the case has a better one", () => {
    expect(diagnosisOf("WrongPort", "…").fix).toBe(explain("WrongPort").fix)
    expect(diagnosisOf("WrongPort", "…", [], "Write `port: 3000`.").fix).toBe("Write `port: 3000`.")
  })

  it("are in docs/reference (else run `npm run generate`)", () => {
    const committed = (name: string) => readFileSync(join(import.meta.dirname, "../../../docs/reference", name), "utf8")
    expect(committed("diagnoses.md")).toBe(diagnosisPage("en"))
    expect(committed("diagnoses.de.md")).toBe(diagnosisPage("de"))
  })
})
