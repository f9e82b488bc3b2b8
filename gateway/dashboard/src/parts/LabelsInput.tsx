// Labels, apart by commas: the text stays as it is written while it says what is set.
import { useState } from 'preact/hooks';
import { labelsIn, labelsText } from '../metrics/policy';

interface LabelsInputProps {
  labels: readonly string[];
  onChange: (labels: string[]) => void;
}

export function LabelsInput({ labels, onChange }: LabelsInputProps) {
  const [own, setOwn] = useState('');
  return (
    <input
      class="input"
      value={labelsText(own, labels)}
      onInput={({ currentTarget: { value } }) => {
        setOwn(value);
        onChange(labelsIn(value));
      }}
    />
  );
}
