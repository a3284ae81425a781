/** Milliseconds of the units that a config writes durations in. */
export const shortUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const
/** The same with days, for commands and the API. */
export const durationUnits = { ...shortUnits, d: 86_400_000 } as const

const binaryUnits = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 } as const
/** Bytes of the units of Kubernetes quantities. */
export const byteUnits = { "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, ...binaryUnits } as const

/** A number with one of these units (`1.5h`, `512Mi`), as a multiple of the unit whose value is 1; undefined if it isn't one. */
export const amountIn = (units: Readonly<Record<string, number>>, text: string): number | undefined => {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text) ?? []
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor
}

/** Bytes as a quantity with the largest unit, up to `Gi`, that divides them: `1Gi`, `1536Mi`, `1000`. */
export const bytesQuantity = (bytes: number): string => {
  const unit = (["Gi", "Mi", "Ki"] as const).find((name) => bytes % binaryUnits[name] === 0)
  return unit === undefined ? String(bytes) : `${bytes / binaryUnits[unit]}${unit}`
}

/** Milli-vCPU as a quantity: `2`, `500m`. */
export const cpuQuantity = (milli: number): string => (milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`)
