/**
 * A value as JSON that YAML readers take too. YAML refuses some characters that JSON allows unescaped in texts (YAML 1.2, 5.1), and
 * Kubernetes reads a server-side apply as YAML.
 */
export const jsonForYaml = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[\u007f-\u009f\ufeff\ufffe\uffff]/g,
    (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`
  )
