// What the browser's tab says.
import { useEffect } from "react";

export function Title({ says }: { says: string }) {
  useEffect(() => {
    document.title = says;
  }, [says]);
  return null;
}
