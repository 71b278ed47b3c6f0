package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
)

// maxWhere is the most families of names that are listed.
const maxWhere = 4

// whole are the tensors of a run, by which a list of some can be "all".
type whole struct {
	tensors  map[string]bool // by key
	matrices map[string]bool
	layers   int
}

// where says in few words which tensors these are.
func (w whole) where(all []group) string {
	if len(all) == 1 {
		text := shown.Cut(all[0].name, maxName)
		if members := rowOf(all[0].findings[0], Options{}).memberText(); members != "" {
			text += " (" + members + ")"
		}
		return text
	}
	tensors, matrices := 0, 0
	for _, g := range all {
		if w.tensors[groupKey(g.findings[0])] {
			tensors++
		}
		if w.matrices[groupKey(g.findings[0])] {
			matrices++
		}
	}
	switch {
	case tensors == len(all) && tensors == len(w.tensors):
		return fmt.Sprintf("all %d tensors", len(all))
	case matrices == len(all) && matrices == len(w.matrices):
		return fmt.Sprintf("all %d matrices", len(all))
	}
	return fmt.Sprintf("%d tensors, %s", len(all), families(all))
}

// family are names that differ in one number.
type family struct {
	head, tail string
	numbers    []int
}

// families lists names by what stands before and behind their first number:
// "layers 0 to 11, attn.q.weight".
func families(groups []group) string {
	place := map[[2]string]int{}
	var all []family
	for _, g := range groups {
		head, n, tail := splitNumber(g.name)
		i, known := place[[2]string{head, tail}]
		if !known {
			i = len(all)
			place[[2]string{head, tail}] = i
			all = append(all, family{head: head, tail: tail})
		}
		if n >= 0 {
			all[i].numbers = append(all[i].numbers, n)
		}
	}
	// Families of the same numbers stand together.
	type joined struct {
		text  string
		tails []string
	}
	var out []joined
	at := map[string]int{}
	for _, f := range all {
		if len(f.numbers) < 2 {
			name := f.head + f.tail
			if len(f.numbers) == 1 {
				name = f.head + strconv.Itoa(f.numbers[0]) + f.tail
			}
			out = append(out, joined{text: shown.Cut(name, maxName)})
			continue
		}
		text := shown.Cut(strings.TrimRight(f.head, "._-"), maxName) + " " + ranges(f.numbers)
		i, known := at[text]
		if !known {
			i = len(out)
			at[text] = i
			out = append(out, joined{text: strings.TrimSpace(text)})
		}
		if tail := strings.TrimLeft(f.tail, "._-"); tail != "" {
			out[i].tails = append(out[i].tails, shown.Cut(tail, maxName))
		}
	}
	var parts []string
	for i, j := range out {
		if i == maxWhere {
			parts = append(parts, fmt.Sprintf("and %d more", len(out)-maxWhere))
			break
		}
		text := j.text
		if n := len(j.tails); n > maxMembers {
			text += ", " + strings.Join(j.tails[:maxMembers], " and ") + fmt.Sprintf(" and %d more", n-maxMembers)
		} else if n > 0 {
			text += ", " + strings.Join(j.tails, " and ")
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// splitNumber cuts a name at its first number that stands by itself or behind
// a word; -1 when there is none, and head is all.
func splitNumber(name string) (head string, n int, tail string) {
	start := strings.IndexAny(name, "0123456789")
	for start >= 0 {
		end := start
		for end < len(name) && name[end] >= '0' && name[end] <= '9' {
			end++
		}
		alone := (start == 0 || strings.ContainsRune("._-", rune(name[start-1]))) && (end == len(name) || strings.ContainsRune("._-", rune(name[end])))
		if v, err := strconv.Atoi(name[start:end]); err == nil && alone {
			return name[:start], v, name[end:]
		}
		next := strings.IndexAny(name[end:], "0123456789")
		if next < 0 {
			break
		}
		start = end + next
	}
	return name, -1, ""
}

// ranges writes numbers: "0 to 11", "0, 2 and 4 to 6".
func ranges(numbers []int) string {
	numbers = slices.Compact(slices.Sorted(slices.Values(numbers)))
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		switch {
		case j == i:
			parts = append(parts, strconv.Itoa(numbers[i]))
		case j == i+1:
			parts = append(parts, strconv.Itoa(numbers[i]), strconv.Itoa(numbers[j]))
		default:
			parts = append(parts, fmt.Sprintf("%d to %d", numbers[i], numbers[j]))
		}
		i = j + 1
	}
	if len(parts) > maxMembers {
		return strings.Join(parts[:maxMembers], ", ") + fmt.Sprintf(" and %d more", len(parts)-maxMembers)
	}
	if n := len(parts); n > 1 {
		return strings.Join(parts[:n-1], ", ") + " and " + parts[n-1]
	}
	return strings.Join(parts, "")
}

// layersOf counts the layers of a model by its names: the most numbers that one
// beginning is followed by.
func layersOf(keys map[string]bool) int {
	count := map[string]map[int]bool{}
	for k := range keys {
		if head, n, _ := splitNumber(k); n >= 0 {
			if count[head] == nil {
				count[head] = map[int]bool{}
			}
			count[head][n] = true
		}
	}
	most := 0
	for _, numbers := range count {
		most = max(most, len(numbers))
	}
	return most
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
