"""Fair share among the people of a class: nobody's second run trains before everybody's first."""
