interface SegmentsProps<T extends string> {
  /** Names the group for those who do not see it. */
  label: string;
  /** Unique on the page; also a class. */
  name: string;
  options: readonly { value: T; text: string }[];
  value: T;
  onChange: (value: T) => void;
}

/** One of a few, side by side; radio buttons to the keyboard and to assistive technology. */
export function Segments<T extends string>({ label, name, options, value, onChange }: SegmentsProps<T>) {
  return (
    <fieldset className={`segments ${name}`}>
      <legend className="unseen">{label}</legend>
      {options.map((option) => (
        <label key={option.value} className="segment">
          <input
            className="segment-input"
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          <span className="segment-text">{option.text}</span>
        </label>
      ))}
    </fieldset>
  );
}
