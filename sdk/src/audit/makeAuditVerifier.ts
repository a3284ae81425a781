import type { AuditFault, AuditPins, AuditVerification } from "./AuditVerification.ts"
import { type AuditChain, asWritten, Faulty, fail, nextLine } from "./auditChain.ts"

export interface AuditVerifier {
  /** Verifies the next line, without its line break. False if it found a fault, so that no more lines need to be read. */
  readonly line: (text: string) => boolean
  /** Reports a line that can't be parsed. */
  readonly unreadable: (message: string) => void
  readonly finish: () => AuditVerification
}

/** Verifies line by line, in constant memory. docs/audit.md says what this checks and proves. */
export const makeAuditVerifier = (pins: AuditPins = {}): AuditVerifier => {
  const pinnedKeys = pins.publicKeys?.map(asWritten)
  const pin = pins.checkpoint?.checkpoint
  let number = 0
  let chain: AuditChain | undefined
  let fault: AuditFault | undefined

  const guarded = (run: () => void): boolean => {
    number++
    if (fault !== undefined) return false
    try {
      run()
      return true
    } catch (error) {
      if (!(error instanceof Faulty)) throw error
      fault = { code: error.code, line: number, sequence: error.sequence, message: error.message }
      return false
    }
  }

  return {
    line: (text) =>
      guarded(() => {
        chain = nextLine(chain, text, pin, pinnedKeys)
      }),
    unreadable: (message) => {
      guarded(() => fail("Malformed", message))
    },
    finish: () => {
      guarded(() => {
        if (chain?.end === undefined) fail("Truncated", "the end is missing", chain?.last.sequence ?? 0)
      })
      if (fault !== undefined) return { ok: false, fault }
      if (chain?.checkpoint === undefined || chain.end === undefined) throw new Error("an end without a beginning")
      const { checkpoint, checkpoints, end, last, organization } = chain
      const pinned = { publicKey: pinnedKeys !== undefined, checkpoint: pin !== undefined }
      return { ok: true, organization, entries: last.sequence, checkpoints, leftOut: end.leftOut, checkpoint, pinned }
    }
  }
}
