import { describe, expect, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fc from "fast-check"
import { checkpointLine, exportOf, recordOf, signer, type TestEntry, testEntry } from "../../test/auditExport.ts"
import { canonicalJson } from "../api/index.ts"
import type { AuditFaultCode, AuditPins, AuditVerification } from "./AuditVerification.ts"
import { lastCheckpointIn, publicKeysIn, verifyAuditExport, verifyAuditExportOf } from "./verifyAuditExport.ts"

const key = signer()
const entry = (subject: string, checkpoint = false): TestEntry => ({
  action: "apps.deploy",
  email: "ada@example.com",
  subject,
  requestId: "r",
  checkpoint
})
const four = [entry("a"), entry("b", true), entry("c"), entry("d")]

const verify = (content: string | Uint8Array, pins?: AuditPins): AuditVerification =>
  Effect.runSync(verifyAuditExport(Stream.make(content), pins))
const verifyLines = (lines: ReadonlyArray<string>, pins?: AuditPins) => verify(`${lines.join("\n")}\n`, pins)

const found = (verification: AuditVerification, code: AuditFaultCode, line: number) => {
  expect(verification.ok, "nothing was found").toBe(false)
  if (!verification.ok) expect(verification.fault).toMatchObject({ code, line })
}
/** Fixes the end, as an attacker who knows the format would. */
const withEnd = (lines: ReadonlyArray<string>) => {
  const body = lines.slice(0, -1)
  const entries = body.filter((text) => text.startsWith('{"entry"')).length
  const checkpoints = body.filter((text) => text.startsWith('{"checkpoint"')).length
  return [...body, canonicalJson({ end: { entries, checkpoints } })]
}
const isEntry = (line: string | undefined) => line?.startsWith('{"entry"') === true

describe("canonical JSON", () => {
  it("follows RFC 8785", () => {
    // The RFC's example of sorting (3.2.3) and of strings (3.2.2.2).
    const keys = { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7 }
    expect(canonicalJson(keys)).toBe('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}')
    expect(canonicalJson({ s: '€$\u000f\nA\'B"\\\\"/' })).toBe('{"s":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}')
  })
})

describe("verification of an export", () => {
  it("always computes the same hash", () => {
    const lines = exportOf([entry("shop/production")], key)
    expect(lines[1] ?? "").toContain('"hash":"e6e4a81b54fc7072e350bea4c67a3a953c686ebf5dc7ed82b302b4da564f884d"')
  })

  it("accepts an unchanged export in chunks of any size", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(testEntry, { maxLength: 12 }),
        fc.integer({ min: 1, max: 200 }),
        async (entries, size) => {
          const bytes = Buffer.from(`${exportOf(entries, key).join("\n")}\n`)
          async function* chunks() {
            for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
          }
          const verification = await verifyAuditExportOf(chunks(), { publicKeys: [key.publicKey] })
          expect(verification.ok, JSON.stringify(verification)).toBe(true)
          if (verification.ok) expect(verification.entries).toBe(entries.length)
        }
      ),
      { numRuns: 60 }
    ))

  it("detects every changed byte of a complete export", () => {
    const bytes = Buffer.from(`${exportOf([entry("ä/ö")], key).join("\n")}\n`)
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      expect(verify(changed).ok, `at ${at}: ${changed.subarray(Math.max(0, at - 40), at + 5)}`).toBe(false)
    }
  })

  it("detects any changed byte, and any removed, moved or duplicated entry of any chain, even if the end was adjusted", () => {
    const change = fc.record({
      entries: fc.array(testEntry, { minLength: 2, maxLength: 10 }),
      how: fc.constantFrom("flip", "remove", "swap", "double"),
      at: fc.nat(),
      other: fc.nat(),
      mask: fc.integer({ min: 1, max: 255 })
    })
    fc.assert(
      fc.property(change, ({ at, entries, how, mask, other }) => {
        const lines = exportOf(entries, key)
        const places = lines.flatMap((line, index) => (isEntry(line) ? [index] : []))
        const one = places[at % places.length] ?? 0
        const two = places[other % places.length] ?? 0
        if (how === "flip") {
          const bytes = Buffer.from(`${lines.join("\n")}\n`)
          const begin = Buffer.byteLength(`${lines.slice(0, one).join("\n")}\n`)
          const place = begin + (other % Buffer.byteLength(lines[one] ?? ""))
          bytes[place] = (bytes[place] ?? 0) ^ mask
          expect(verify(bytes).ok).toBe(false)
          return
        }
        const tampered = [...lines]
        if (how === "remove") tampered.splice(one, 1)
        else if (how === "double") tampered.splice(two, 0, lines[one] ?? "")
        else if (one === two) return
        else {
          tampered[one] = lines[two] ?? ""
          tampered[two] = lines[one] ?? ""
        }
        expect(verifyLines(withEnd(tampered)).ok, how).toBe(false)
      }),
      { numRuns: 400 }
    )
  })

  it("names the inconsistent line and entry", () => {
    const lines = exportOf(four, key)
    const [header = "", a = "", b = "", signed = "", c = "", d = "", last = "", end = ""] = lines
    found(verifyLines([header, a.replace("apps.deploy", "apps.delete"), b, signed, c, d, last, end]), "HashMismatch", 2)
    found(verifyLines([header, a, signed, c, d, last, end]), "Truncated", 3)
    found(verifyLines([header, a, b, signed, d, last, end]), "OutOfOrder", 5)
    found(verifyLines([header, a, b, signed, d, c, last, end]), "OutOfOrder", 5)
    found(verifyLines([header, a, a, b, signed, c, d, last, end]), "OutOfOrder", 3)
    found(verifyLines([header, a, b, signed, c, last, end]), "Truncated", 6)
    found(verifyLines([header, a, b, signed, c, d, end]), "Truncated", 7)
    found(verifyLines([header, a, b, c, d, last, end]), "Truncated", 7)
    found(verifyLines([header, a, b, signed, c, d, last]), "Truncated", 8)
    found(verifyLines([...lines, end]), "Malformed", 9)
    found(verifyLines([a, b]), "Malformed", 1)
    found(verify(""), "Truncated", 1)
    found(verifyLines([header.replace("org_0", "org_1"), a]), "Foreign", 2)
    found(verifyLines(lines.map((line) => `${line}\r`)), "Malformed", 1)
    found(verify(Buffer.concat([Buffer.from(`${header}\n`), Buffer.from([0xff, 0x0a])])), "Malformed", 2)
    found(verify(`${header}\n${"[".repeat(3_000_000)}\n`), "Malformed", 2)
    found(verify("x".repeat(5_000_000)), "Malformed", 1)
    const verification = verifyLines([header, a, b, signed, d, last, end])
    expect(verification.ok ? "" : verification.fault.message).toContain("entry 3 is missing before entry 4")
  })

  it("rejects opened content that wasn't sealed, and accepts content that stays sealed", () => {
    const lines = exportOf(four, key)
    const forged = lines.map((line) => line.replace("ada@example.com", "eve@example.com"))
    found(verifyLines(forged), "OpenedMismatch", 2)
    const erased = lines.map((line) => line.replace(/"personal":\{[^}]*\}/, '"personal":null'))
    expect(erased).not.toStrictEqual(lines)
    expect(verifyLines(erased).ok).toBe(true)
  })

  it("refuses unknown lines and fields", () => {
    const [header = "", a = "", ...rest] = exportOf(four, key)
    found(verifyLines([header.replace('"version":1', '"version":2'), a, ...rest]), "Unsupported", 1)
    found(verifyLines([header, a.replace('"version":1', '"version":2'), ...rest]), "Unsupported", 2)
    found(verifyLines([header, a.replace('"version":1', '"version":1,"weather":"fine"'), ...rest]), "Malformed", 2)
    found(verifyLines([header, a.replace('"status":200', '"status":200,"status":200'), ...rest]), "Malformed", 2)
    found(verifyLines([header, canonicalJson({ comment: "hello" }), a, ...rest]), "Malformed", 2)
  })

  it("detects a chain forged with another key only by a pinned key or checkpoint", () => {
    const mine = exportOf(four, key)
    const forger = signer()
    const theirs = exportOf([entry("a"), entry("other", true), entry("c"), entry("d")], forger)
    const checkpoint = lastCheckpointIn(exportOf(four.slice(0, 2), key).join("\n"))
    expect(checkpoint?.checkpoint.sequence).toBe(2)
    expect(verifyLines(theirs).ok).toBe(true)
    found(verifyLines(theirs, { publicKeys: [key.publicKey] }), "UnknownKey", 4)
    found(verifyLines(theirs, { checkpoint }), "PinMismatch", 3)
    expect(verifyLines(mine, { checkpoint, publicKeys: publicKeysIn(`${forger.publicKey}${key.publicKey}`) }).ok).toBe(
      true
    )
    found(verifyLines(mine.map((each) => each.replace(/("signature":")../, "$1AA"))), "BadSignature", 4)
  })

  it("detects a rewritten history before a signed checkpoint", () => {
    const original = exportOf(four, key)
    const rewritten = exportOf([entry("a"), entry("other"), entry("c"), entry("d")], key)
    const kept = original[3] ?? ""
    found(verifyLines(withEnd([...rewritten.slice(0, 3), kept, ...rewritten.slice(3)])), "CheckpointMismatch", 4)
  })

  it("detects a truncation right after a checkpoint only with a later one", () => {
    const whole = exportOf(four, key)
    const cut = withEnd([...whole.slice(0, 4), ""])
    expect(verifyLines(cut).ok).toBe(true)
    found(verifyLines(cut, { checkpoint: lastCheckpointIn(whole.join("\n")) }), "PinMismatch", 5)
  })

  it("verifies an empty log", () => expect(verifyLines(exportOf([], key)).ok).toBe(true))

  it("accepts an entry only in its canonical form", () => {
    const { record } = recordOf(entry("a"), 1)
    expect(canonicalJson(Object.fromEntries(Object.entries(record).reverse()))).toBe(canonicalJson(record))
    expect(checkpointLine(key, 0, "").startsWith('{"checkpoint":{"at"')).toBe(true)
  })
})
