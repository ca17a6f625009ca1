// Why a control plane gave no answer, in plain words with what to do: the name, the network, or its certificate.
import { Unreachable } from "./exit.ts";

interface Why {
  readonly so: string;
  readonly mend: string;
}

const unknownAuthority: Why = {
  so: "its certificate is signed by an authority that this machine does not know",
  mend: "When it is a private one, name it with --ca FILE, or SLUICE_CA",
};
const notTls: Why = { so: "it does not speak TLS there", mend: "Check the port, or use http:// when it is meant" };
const lookFurther = 'Run "sluice up" when it is this machine\'s; "sluice doctor" looks further';
const network = "Check the address and the network between";

const byCode: Readonly<Record<string, Why>> = {
  ECONNREFUSED: { so: "nothing listens there", mend: lookFurther },
  ENOTFOUND: { so: "no such host", mend: "Check the address" },
  EAI_AGAIN: { so: "its name cannot be looked up just now", mend: network },
  ECONNRESET: { so: "it hung up", mend: lookFurther },
  EPIPE: { so: "it hung up", mend: lookFurther },
  ETIMEDOUT: { so: "the network gave no answer", mend: network },
  EHOSTUNREACH: { so: "no way leads there", mend: network },
  ENETUNREACH: { so: "no way leads there", mend: network },
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  CERT_HAS_EXPIRED: { so: "its certificate has expired", mend: "Renew it on that machine" },
  CERT_NOT_YET_VALID: { so: "its certificate is not valid yet", mend: "Check the clocks of both machines" },
  CERT_SIGNATURE_FAILURE: { so: "its certificate is not signed by the authority that was named", mend: "Check --ca" },
  EPROTO: notTls,
  ERR_SSL_WRONG_VERSION_NUMBER: notTls,
  HPE_INVALID_CONSTANT: { so: "it does not speak HTTP there", mend: "Check the port, or use https://" },
};

export function unreachable(url: string, error: unknown): Unreachable {
  const { so, mend } = why(error);
  return new Unreachable(`The control plane at ${url} cannot be reached${so === "" ? "" : `: ${so}`}`, mend);
}

function why(error: unknown): Why {
  if (!(error instanceof Error)) return { so: "", mend: lookFurther };
  if (error.name === "TimeoutError") return { so: "no answer in time", mend: lookFurther };
  const code = "code" in error ? String(error.code) : "";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return otherName(error);
  return byCode[code] ?? { so: code, mend: lookFurther };
}

function otherName(error: Error): Why {
  const reason = "reason" in error ? String(error.reason) : "";
  return {
    so: `its certificate is for another name (${reason.replace(/\.$/, "")})`,
    mend: "Use the name that the certificate is for, or give the machine one for this name",
  };
}
