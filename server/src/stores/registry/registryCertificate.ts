import { sign } from "node:crypto"
import { AsnConvert } from "@peculiar/asn1-schema"
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  Certificate,
  Name,
  RelativeDistinguishedName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version
} from "@peculiar/asn1-x509"
import type { RegistryKey } from "./registryKey.ts"

/** RFC 5758, 3.2. */
const ecdsaWithSha256 = "1.2.840.10045.4.3.2"
/** RFC 5280, appendix A.1. */
const commonName = "2.5.4.3"

const name = () => {
  const value = new AttributeValue({ utf8String: "max-cloud registry tokens" })
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: commonName, value })])])
}

/** A copy, because `Buffer` may share its memory with others. */
const bytesOf = (buffer: Uint8Array): ArrayBuffer => Uint8Array.from(buffer).buffer

const inPem = (der: ArrayBuffer) =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der)
    .toString("base64")
    .replace(/.{64}(?=.)/g, "$&\n")}\n-----END CERTIFICATE-----\n`

/**
 * The public key as a self-signed certificate (RFC 5280) in PEM. CNCF Distribution takes keys in this form only
 * (`rootcertbundle`), and uses nothing of it but the key. Nothing is certified, so its dates say nothing about the key.
 */
export const registryCertificate = ({ privateKey, publicKey }: RegistryKey): string => {
  const signatureAlgorithm = new AlgorithmIdentifier({ algorithm: ecdsaWithSha256 })
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: Uint8Array.of(1).buffer,
    signature: signatureAlgorithm,
    issuer: name(),
    subject: name(),
    validity: new Validity({ notBefore: new Date("2020-01-01"), notAfter: new Date("2049-12-31") }),
    subjectPublicKeyInfo: AsnConvert.parse(publicKey.export({ type: "spki", format: "der" }), SubjectPublicKeyInfo)
  })
  const signed = sign("sha256", Buffer.from(AsnConvert.serialize(tbsCertificate)), privateKey)
  return inPem(
    AsnConvert.serialize(new Certificate({ tbsCertificate, signatureAlgorithm, signatureValue: bytesOf(signed) }))
  )
}
